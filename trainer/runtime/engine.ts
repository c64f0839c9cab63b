/**
 * @file ONNX Runtime behind a process border: one child process per device, sessions and resident tensors inside.
 * The child may crash or be killed at any time; what was asked of it then fails with an `EngineDiedError`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Dtype, expectDtype, type Tensor, tensor } from '@/trainer/graph/tensor';
import { EngineDiedError, EngineError } from './errors';
import type {
  ChildSettings,
  Device,
  EngineMemory,
  Feed,
  ReplyMessage,
  Request,
  SessionPort,
  SessionSettings,
} from './protocol';
import { vulkanEnvironment } from './vulkan';
import { withCommonEpsilon } from './webgpu-epsilon';
import { readFrames, writeFrame } from './wire';

export interface EngineOptions {
  device: Device;
  /** Which of several GPUs (CUDA only). */
  deviceId?: number;
  /** Threads of one operator; all cores unless told. */
  threads?: number;
  /** Let idle threads spin: a few per cent faster when nothing else runs, much slower when something does. */
  spinning?: boolean;
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
  /** Repack weights for speed; off, they stay pages of their file, shared between processes, at half the speed. */
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

interface Pending {
  what: string;
  resolve: (reply: { message: ReplyMessage; tensors: Tensor[] }) => void;
  reject: (error: Error) => void;
}

/** Last bytes of the child's own output that an error repeats. */
const lastWordsLength = 600;

export class Engine {
  readonly device: Device;
  readonly threads: number;
  readonly #child: ChildProcess;
  readonly #socket: Duplex;
  readonly #exited: Promise<void>;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #nextSession = 1;
  #lastWords = '';
  #memory: EngineMemory = { rssBytes: 0, peakRssBytes: 0 };
  #death: string | undefined;

  private constructor(settings: ChildSettings) {
    this.device = settings.device;
    this.threads = settings.threads;
    this.#child = spawnChild(settings);
    this.#socket = this.#child.stdio[3] as Duplex;
    this.#socket.on('error', () => this.#child.kill('SIGKILL'));
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#lastWords = (this.#lastWords + chunk.toString()).slice(-lastWordsLength);
      });
    }
    this.#exited = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        this.#die(signal ? `was ended by ${signal}` : `ended with code ${code}`);
        resolve();
      });
      this.#child.once('error', (error) => {
        this.#die(`could not be started: ${error.message}`);
        resolve();
      });
    });
    readFrames<ReplyMessage>(this.#socket, (message, tensors) => {
      this.#memory = message.memory;
      const pending = this.#pending.get(message.id);
      this.#pending.delete(message.id);
      if ('error' in message) {
        pending?.reject(new EngineError(`${pending.what} on ${this.device}: ${message.error}`));
      } else pending?.resolve({ message, tensors });
    });
  }

  /** Starts the child process. The device itself is opened by the first model loaded. */
  static async open(options: EngineOptions): Promise<Engine> {
    const engine = new Engine({
      device: options.device,
      deviceId: options.deviceId,
      threads: options.threads ?? availableParallelism(),
      spinning: options.spinning ?? false,
    });
    await engine.#ask('Starting', { op: 'memory' });
    return engine;
  }

  /** Process id of the child, for tests that kill it. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  get alive(): boolean {
    return this.#death === undefined;
  }

  /** Resident memory of the child in bytes, as of its last answer. */
  get memory(): EngineMemory {
    return this.#memory;
  }

  /** Loads a model from bytes or from a file. External data lies beside the file, or in `externalDataFolder`. */
  async load(given: Uint8Array | { path: string }, options: LoadOptions): Promise<Session> {
    const model = this.device === 'webgpu' ? await forWebgpu(given, options.name) : given;
    const inMemory = model instanceof Uint8Array;
    const beside = given instanceof Uint8Array ? undefined : dirname(given.path);
    const session = this.#nextSession++;
    const { message } = await this.#ask(
      `Loading "${options.name}"`,
      {
        op: 'load',
        session,
        name: options.name,
        path: inMemory ? undefined : model.path,
        settings: {
          resident: options.resident ?? [],
          externalDataFolder: options.externalDataFolder ?? beside,
          memoryPattern: options.memoryPattern ?? false,
          optimization: options.optimization ?? 'all',
          prepacking: options.prepacking ?? true,
        },
      },
      inMemory ? [tensor('uint8', [model.byteLength], model)] : [],
    );
    const { inputs, outputs } = message as { inputs: SessionPort[]; outputs: SessionPort[] };
    const ask = this.#ask.bind(this);
    return new Session(ask, session, options.name, inputs, outputs, new Set(options.resident));
  }

  /** A feed that takes the tensor resident in this slot. */
  slot(slot: string): SlotRef {
    return { slot };
  }

  /** Fills a slot. On WebGPU the tensor moves to the device once. */
  async put(slot: string, value: Tensor): Promise<void> {
    await this.#ask(`Filling slot "${slot}"`, { op: 'put', slot }, [value]);
  }

  /** A copy of what a slot holds. */
  async get(slot: string): Promise<Tensor> {
    const { tensors } = await this.#ask(`Reading slot "${slot}"`, { op: 'get', slot });
    return tensors[0] as Tensor;
  }

  /** Empties slots; unknown names are ignored. */
  async drop(...slots: string[]): Promise<void> {
    await this.#ask('Dropping slots', { op: 'drop', slots });
  }

  /** Ends the child process at once; what is still running fails. */
  async close(): Promise<void> {
    this.#death ??= 'was closed';
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  #ask(
    what: string,
    request: Request,
    tensors: readonly Tensor[] = [],
  ): Promise<{ message: ReplyMessage; tensors: Tensor[] }> {
    return new Promise((resolve, reject) => {
      if (this.#death !== undefined) {
        reject(this.#deathOf(what));
        return;
      }
      const id = this.#nextId++;
      this.#pending.set(id, { what, resolve, reject });
      // A broken pipe is the child's death, which the exit event reports with its cause.
      writeFrame(this.#socket, { id, ...request }, tensors).catch(() => {});
    });
  }

  #die(cause: string): void {
    this.#death ??= cause;
    for (const { what, reject } of this.#pending.values()) reject(this.#deathOf(what));
    this.#pending.clear();
  }

  #deathOf(what: string): EngineDiedError {
    const killed = this.#death === 'was ended by SIGKILL';
    const remedy = killed
      ? 'The system does this when memory runs out: use a smaller batch or image, or close other programs. Then open a new engine.'
      : 'Open a new engine and load again.';
    const words = this.#lastWords.trim();
    const said = words && this.#death !== 'was closed' ? ` Its last words: ${words}` : '';
    return new EngineDiedError(
      `${what}: the ${this.device} engine ${this.#death}. ${remedy}${said}`,
    );
  }
}

type Ask = (
  what: string,
  request: Request,
  tensors?: readonly Tensor[],
) => Promise<{ message: ReplyMessage; tensors: Tensor[] }>;

/** A model loaded into an engine. */
export class Session {
  readonly #ask: Ask;
  readonly #id: number;
  readonly #resident: ReadonlySet<string>;

  constructor(
    ask: Ask,
    id: number,
    readonly name: string,
    readonly inputs: readonly SessionPort[],
    readonly outputs: readonly SessionPort[],
    resident: ReadonlySet<string>,
  ) {
    this.#ask = ask;
    this.#id = id;
    this.#resident = resident;
  }

  /**
   * Runs the model. Every input is fed with a tensor, which must not change until the answer is there, or with a
   * slot. Fetching fewer outputs saves their transport, not their computation.
   */
  async run(feeds: Feeds, options: RunOptions = {}): Promise<Outputs> {
    const tensors: Tensor[] = [];
    const wired: Record<string, Feed> = {};
    for (const [name, feed] of Object.entries(feeds)) {
      wired[name] = 'slot' in feed ? { slot: feed.slot } : { tensor: tensors.push(feed) - 1 };
    }
    const visible = this.outputs.map((output) => output.name);
    const fetch = options.fetch ?? visible.filter((name) => !this.#resident.has(name));
    const reply = await this.#ask(
      `Running "${this.name}"`,
      { op: 'run', session: this.#id, feeds: wired, fetch: [...fetch], keep: options.keep ?? {} },
      tensors,
    );
    return Object.fromEntries(fetch.map((name, i) => [name, reply.tensors[i] as Tensor]));
  }

  /** Frees the model; a session whose engine died needs no release. */
  async release(): Promise<void> {
    await this.#ask(`Releasing "${this.name}"`, { op: 'release', session: this.#id });
  }
}

/** A model as WebGPU computes it rightly; what cannot be read is left for ONNX Runtime to refuse. */
async function forWebgpu(
  model: Uint8Array | { path: string },
  name: string,
): Promise<Uint8Array | { path: string }> {
  const inMemory = model instanceof Uint8Array;
  const bytes = inMemory ? model : await readFile(model.path).catch(() => undefined);
  return bytes ? withCommonEpsilon(bytes, inMemory ? name : model.path) : model;
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

function spawnChild(settings: ChildSettings): ChildProcess {
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const entry = fileURLToPath(new URL('./child.ts', import.meta.url));
  const root = fileURLToPath(new URL('../../', import.meta.url));
  return spawn(process.execPath, ['--import', loader, entry, JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: {
      ...process.env,
      ...(settings.device === 'webgpu' && vulkanEnvironment()),
      TSX_TSCONFIG_PATH: `${root}tsconfig.json`,
    },
  });
}
