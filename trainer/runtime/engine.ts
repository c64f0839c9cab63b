/**
 * @file ONNX Runtime behind a process border: sessions and resident tensors live in a child
 * process, or in several that work at the same time.
 */
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { type Dtype, expectDtype, type Tensor, tensor } from '@/trainer/graph/tensor';
import { EngineProcess } from './engine-process';
import { EngineError } from './errors';
import type { PreparedSettings } from './prepared/store';
import type {
  ChildSettings,
  Device,
  EngineMemory,
  Feed,
  Prepare,
  SessionPort,
  SessionSettings,
} from './protocol';
import { asWebgpuComputes } from './webgpu-defects';

export interface EngineOptions {
  device: Device;
  /** Which of several GPUs (CUDA only). */
  deviceId?: number;
  /** Threads of one operator, to be shared by lanes; all cores unless told. */
  threads?: number;
  /** The most lanes; as many as a network is worth unless told. */
  lanes?: number;
  /**
   * Let idle threads spin: a few per cent faster when nothing else runs, much slower when something
   * does.
   */
  spinning?: boolean;
  /** Where large networks are kept as a CPU's sessions prepare them; nowhere unless told. */
  prepared?: PreparedSettings;
}

export interface LoadOptions {
  /** How errors call the session. */
  name: string;
  /** Outputs that `run` will keep in slots instead of sending them back. */
  resident?: string[];
  /** Folder against which a model given as bytes resolves its external data. */
  externalDataFolder?: string;
  /** Plan memory from the first run's shapes. Off: it doubles the peak of training graphs. */
  memoryPattern?: boolean;
  optimization?: SessionSettings['optimization'];
  /**
   * Repack weights for speed; off, they stay pages of their file, shared between processes, at half
   * the speed.
   */
  prepacking?: boolean;
}

/** A tensor resident in the engine, to be fed by name. */
export interface SlotRef {
  readonly slot: string;
}

export interface RunOptions {
  /** Outputs to send back; unless told, all that are not resident. */
  fetch?: readonly string[];
  /** Resident output → slot that takes it. */
  keep?: Readonly<Record<string, string>>;
}

export type Feeds = Readonly<Record<string, Tensor | SlotRef>>;
export type Outputs = Readonly<Record<string, Tensor>>;

export class Engine {
  readonly device: Device;
  /** Threads of one operator. */
  readonly threads: number;
  readonly #settings: ChildSettings;
  readonly #mostLanes: number;
  readonly #process: EngineProcess;
  /** Processes that prepare a network. */
  readonly #helpers = new Set<EngineProcess>();
  /** Processes of further lanes. */
  readonly #others: EngineProcess[] = [];

  private constructor(
    settings: ChildSettings,
    process: EngineProcess,
    { threads, lanes }: { threads: number; lanes: number },
  ) {
    this.device = settings.device;
    this.threads = threads;
    this.#settings = settings;
    this.#process = process;
    // A GPU computes one thing after the other.
    this.#mostLanes = settings.device === 'cpu' ? lanes : 1;
  }

  /** Starts the child process. The device itself is opened by the first model loaded. */
  static async open(options: EngineOptions): Promise<Engine> {
    const { device, deviceId, spinning = false, prepared } = options;
    const { threads = availableParallelism(), lanes = threads } = options;
    const settings = { device, deviceId, spinning, prepared };
    const process = new EngineProcess(settings);
    await process.started;
    return new Engine(settings, process, { threads, lanes });
  }

  /** An engine like this one, in a process of its own. */
  another(): Promise<Engine> {
    return Engine.open({ ...this.#settings, threads: this.threads, lanes: this.#mostLanes });
  }

  /** Process id of the child (a further lane has its own). */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Whether all of it still works. */
  get alive(): boolean {
    return this.#processes.every(({ alive }) => alive);
  }

  /** Resident memory of the processes in bytes, as of their last answers. */
  get memory(): EngineMemory {
    const total = { rssBytes: 0, peakRssBytes: 0 };
    for (const { memory } of this.#processes) {
      total.rssBytes += memory.rssBytes;
      total.peakRssBytes += memory.peakRssBytes;
    }
    return total;
  }

  /**
   * Engines that work at the same time, each in a process of its own with its share of the threads.
   * Threads of one operator wait for each other after every operator, lanes never do. The first
   * shares this engine's process and slots; the others end with it. A GPU has one lane, itself.
   */
  async lanes(most: number): Promise<readonly Engine[]> {
    const { count, threads } = shareThreads(Math.min(most, this.#mostLanes), this.threads);
    if (count === 1) return [this];
    // After its end there is nobody to end them.
    if (!this.#process.alive) await this.#process.ask('Opening lanes', { op: 'memory' });
    const missing = count - this.#processes.length;
    for (let i = 0; i < missing; i++) this.#others.push(new EngineProcess(this.#settings));
    await Promise.all(this.#others.map((other) => other.started));
    return this.#processes
      .slice(0, count)
      .map((process) => new Engine(this.#settings, process, { threads, lanes: 1 }));
  }

  /**
   * Loads a model from bytes or from a file. External data lies beside the file, or in
   * `externalDataFolder`.
   */
  async load(given: Uint8Array | { path: string }, options: LoadOptions): Promise<Session> {
    const model = this.device === 'webgpu' ? await forWebgpu(given, options.name) : given;
    const inMemory = model instanceof Uint8Array;
    const beside = given instanceof Uint8Array ? undefined : dirname(given.path);
    const session = this.#process.newSession();
    const loadIn = async (process: EngineProcess, prepare: Prepare) => {
      const { message } = await process.ask(
        `Loading "${options.name}"`,
        {
          op: 'load',
          session,
          name: options.name,
          path: inMemory ? undefined : model.path,
          prepare,
          settings: {
            resident: options.resident ?? [],
            externalDataFolder: options.externalDataFolder ?? beside,
            memoryPattern: options.memoryPattern ?? false,
            optimization: options.optimization ?? 'all',
            prepacking: options.prepacking ?? true,
            threads: this.threads,
          },
        },
        inMemory ? [tensor('uint8', [model.byteLength], model)] : [],
      );
      return message as { inputs: SessionPort[]; outputs: SessionPort[]; unprepared?: boolean };
    };
    let loaded = await loadIn(this.#process, 'ask');
    if (loaded.unprepared) {
      await this.#aside((process) => loadIn(process, 'make'));
      loaded = await loadIn(this.#process, 'never');
    }
    const { inputs, outputs } = loaded;
    return new Session(
      this.#process,
      session,
      options.name,
      inputs,
      outputs,
      new Set(options.resident),
    );
  }

  /**
   * In a process that then ends: what preparing takes, several times the weights, goes with it.
   * Whatever becomes of it, the network can be loaded as it is.
   */
  async #aside(run: (process: EngineProcess) => Promise<unknown>): Promise<void> {
    const process = new EngineProcess(this.#settings);
    this.#helpers.add(process);
    try {
      await run(process);
    } catch {
      // Killed, for want of memory perhaps.
    } finally {
      this.#helpers.delete(process);
      await process.close();
    }
  }

  /** A feed that takes the tensor resident in this slot. */
  slot(slot: string): SlotRef {
    return { slot };
  }

  /** Fills a slot. On WebGPU the tensor moves to the device once. */
  put(slot: string, value: Tensor): Promise<void> {
    return this.putAll(new Map([[slot, value]]));
  }

  async putAll(values: ReadonlyMap<string, Tensor>): Promise<void> {
    const slots = [...values.keys()];
    await this.#process.ask(`Filling ${named(slots)}`, { op: 'put', slots }, [...values.values()]);
  }

  /** A copy of what a slot holds. */
  async get(slot: string): Promise<Tensor> {
    return (await this.getAll([slot])).get(slot) as Tensor;
  }

  async getAll(slots: readonly string[]): Promise<Map<string, Tensor>> {
    const reading = `Reading ${named(slots)}`;
    const { tensors } = await this.#process.ask(reading, { op: 'get', slots: [...slots] });
    return new Map(slots.map((slot, i) => [slot, tensors[i]!]));
  }

  /** Empties slots; unknown names are ignored. */
  async drop(...slots: string[]): Promise<void> {
    await this.#process.ask('Dropping slots', { op: 'drop', slots });
  }

  /** Ends the processes at once; what is still running fails. */
  async close(): Promise<void> {
    await Promise.all([...this.#processes, ...this.#helpers].map((process) => process.close()));
  }

  get #processes(): EngineProcess[] {
    return [this.#process, ...this.#others];
  }
}

/** As many lanes up to `most` as use the most threads, and threads of each. */
function shareThreads(most: number, threads: number): { count: number; threads: number } {
  let best = { count: 1, threads };
  for (let count = 2; count <= Math.min(most, threads); count++) {
    const each = Math.floor(threads / count);
    if (best.count === 1 || count * each >= best.count * best.threads)
      best = { count, threads: each };
  }
  return best;
}

const named = (slots: readonly string[]) =>
  slots.length === 1 ? `slot "${slots[0]}"` : `${slots.length} slots`;

/** A model loaded into an engine. */
export class Session {
  readonly #process: EngineProcess;
  readonly #id: number;
  readonly #resident: ReadonlySet<string>;

  constructor(
    process: EngineProcess,
    id: number,
    readonly name: string,
    readonly inputs: readonly SessionPort[],
    readonly outputs: readonly SessionPort[],
    resident: ReadonlySet<string>,
  ) {
    this.#process = process;
    this.#id = id;
    this.#resident = resident;
  }

  /**
   * Runs the model. Every input is fed with a tensor, which must not change until the answer is
   * there, or with a slot. Fetching fewer outputs saves their transport, not their computation.
   */
  async run(feeds: Feeds, options: RunOptions = {}): Promise<Outputs> {
    const tensors: Tensor[] = [];
    const wired: Record<string, Feed> = {};
    for (const [name, feed] of Object.entries(feeds)) {
      wired[name] = 'slot' in feed ? { slot: feed.slot } : { tensor: tensors.push(feed) - 1 };
    }
    const visible = this.outputs.map((output) => output.name);
    const fetch = options.fetch ?? visible.filter((name) => !this.#resident.has(name));
    const reply = await this.#process.ask(
      `Running "${this.name}"`,
      { op: 'run', session: this.#id, feeds: wired, fetch: [...fetch], keep: options.keep ?? {} },
      tensors,
    );
    return Object.fromEntries(fetch.map((name, i) => [name, reply.tensors[i]!]));
  }

  /** Frees the model; a session whose engine died needs no release. */
  async release(): Promise<void> {
    await this.#process.ask(`Releasing "${this.name}"`, { op: 'release', session: this.#id });
  }
}

/**
 * A model as WebGPU computes it rightly; what cannot be read is left for ONNX Runtime to refuse.
 */
async function forWebgpu(
  model: Uint8Array | { path: string },
  name: string,
): Promise<Uint8Array | { path: string }> {
  const inMemory = model instanceof Uint8Array;
  const bytes = inMemory ? model : await readFile(model.path).catch(() => undefined);
  return bytes ? asWebgpuComputes(bytes, inMemory ? name : model.path) : model;
}

/** One output by name and type, or an error that says what there is. */
export function outputOf<D extends Dtype>(outputs: Outputs, name: string, dtype: D): Tensor<D> {
  const value = outputs[name];
  if (!value) {
    const list = Object.keys(outputs).join(', ') || 'none';
    throw new EngineError(`Output "${name}" was not fetched. Fetched: ${list}.`);
  }
  return expectDtype(value, dtype, `Output "${name}"`);
}
