/**
 * @file The engine's side of the work: loads models into ONNX Runtime and runs them, one request at
 * a time. Runs in the child process, because ONNX Runtime blocks the thread it is called on.
 */

import { bytesOf, isDtype, type Tensor } from '@/trainer/graph/tensor';
import { EngineError } from './errors';
import { checkFeeds } from './feeds';
import type { ort } from './onnxruntime';
import { fromOrt, toOrt } from './ort-tensor';
import { openSession } from './prepared/open';
import type { ChildSettings, Request, SessionPort, SessionSettings } from './protocol';
import { Slots } from './slots';

interface Loaded {
  session: ort.InferenceSession;
  inputs: SessionPort[];
  outputs: SessionPort[];
  resident: ReadonlySet<string>;
}

export interface Answer {
  body: {
    inputs?: SessionPort[];
    outputs?: SessionPort[];
    fetched?: string[];
    unprepared?: boolean;
  };
  tensors: Tensor[];
}

const nothing: Answer = { body: {}, tensors: [] };

export class Host {
  readonly #settings: ChildSettings;
  readonly #sessions = new Map<number, Loaded>();
  readonly #slots: Slots;

  constructor(settings: ChildSettings) {
    this.#settings = settings;
    this.#slots = new Slots(settings.device);
  }

  async answer(request: Request, tensors: readonly Tensor[]): Promise<Answer> {
    switch (request.op) {
      case 'load':
        return this.#load(request, tensors[0]);
      case 'run':
        return this.#run(request, tensors);
      case 'release':
        await this.#slots.outlive(request.session);
        await this.#sessions.get(request.session)?.session.release();
        this.#sessions.delete(request.session);
        return nothing;
      case 'put':
        for (const [i, slot] of request.slots.entries()) {
          await this.#slots.put(slot, tensors[i]!);
        }
        return nothing;
      case 'get': {
        const values: Tensor[] = [];
        for (const slot of request.slots) values.push(await this.#slots.get(slot));
        return { body: {}, tensors: values };
      }
      case 'drop':
        for (const slot of request.slots) this.#slots.drop(slot);
        return nothing;
      case 'memory':
        return nothing;
    }
  }

  async #load(
    request: Extract<Request, { op: 'load' }>,
    model: Tensor | undefined,
  ): Promise<Answer> {
    const { settings, path = bytesOf(model as Tensor) } = request;
    const { device, prepared } = this.#settings;
    const preparable = device === 'cpu' && settings.prepacking && settings.optimization === 'all';
    const session = await openSession(path, {
      options: sessionOptions(this.#settings, settings),
      folder: settings.externalDataFolder,
      settings: preparable ? prepared : undefined,
      prepare: request.prepare,
    });
    if (!session) return { body: { unprepared: true }, tensors: [] };
    const loaded: Loaded = {
      session,
      inputs: session.inputMetadata.map(port),
      outputs: session.outputMetadata.map(port),
      resident: new Set(request.settings.resident),
    };
    for (const name of loaded.resident) {
      if (session.outputNames.includes(name)) continue;
      await session.release();
      throw new EngineError(
        `There is no output "${name}" to keep. The outputs are: ${session.outputNames.join(', ')}.`,
      );
    }
    this.#sessions.set(request.session, loaded);
    return { body: { inputs: loaded.inputs, outputs: loaded.outputs }, tensors: [] };
  }

  async #run(
    request: Extract<Request, { op: 'run' }>,
    tensors: readonly Tensor[],
  ): Promise<Answer> {
    const loaded = this.#sessions.get(request.session);
    if (!loaded) throw new EngineError('The session has been released: load the model again.');
    const feeds: Record<string, ort.Tensor> = {};
    for (const [name, feed] of Object.entries(request.feeds)) {
      feeds[name] = 'slot' in feed ? this.#slots.value(feed.slot) : toOrt(tensors[feed.tensor]!);
    }
    const shapes = Object.entries(feeds).map(
      ([name, { type, dims }]) => [name, { dtype: type, dims }] as const,
    );
    checkFeeds(loaded.inputs, Object.fromEntries(shapes));

    const fetches: Record<string, ort.Tensor | null> = {};
    for (const name of request.fetch) {
      this.#output(loaded, name);
      if (loaded.resident.has(name)) {
        throw new EngineError(`Output "${name}" is kept on the device: get its slot instead.`);
      }
      fetches[name] = null;
    }
    for (const [name, slot] of Object.entries(request.keep)) {
      const output = this.#output(loaded, name);
      if (!loaded.resident.has(name)) {
        throw new EngineError(`Output "${name}" cannot be kept: name it in load's \`resident\`.`);
      }
      fetches[name] = this.#slots.spare(slot, output.dtype, output.dims);
    }

    const results = await loaded.session.run(feeds, fetches);
    for (const [name, slot] of Object.entries(request.keep)) {
      this.#slots.keep(slot, results[name]!, request.session);
    }
    return {
      body: { fetched: request.fetch },
      tensors: request.fetch.map((name) => fromOrt(results[name]!, `Output "${name}"`)),
    };
  }

  #output(loaded: Loaded, name: string): SessionPort {
    const output = loaded.outputs.find((candidate) => candidate.name === name);
    if (output) return output;
    const list = loaded.outputs.map((candidate) => candidate.name).join(', ');
    throw new EngineError(`There is no output "${name}". The outputs are: ${list}.`);
  }
}

function sessionOptions(
  { device, deviceId, spinning }: ChildSettings,
  settings: SessionSettings,
): ort.InferenceSession.SessionOptions {
  const provider =
    device === 'cuda' ? { name: 'cuda' as const, deviceId: deviceId ?? 0 } : { name: device };
  const locations = settings.resident.map((name) => [name, 'gpu-buffer'] as const);
  const folder = settings.externalDataFolder;
  return {
    executionProviders: [provider],
    intraOpNumThreads: settings.threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: settings.optimization,
    enableMemPattern: settings.memoryPattern,
    logSeverityLevel: 3,
    ...(device === 'webgpu' && { preferredOutputLocation: Object.fromEntries(locations) }),
    extra: {
      session: {
        intra_op: { allow_spinning: spinning ? '1' : '0' },
        ...(!settings.prepacking && { disable_prepacking: '1' }),
        ...(folder !== undefined && { model_external_initializers_file_folder_path: folder }),
      },
    },
  };
}

function port(metadata: ort.InferenceSession.ValueMetadata): SessionPort {
  if (!metadata.isTensor || !isDtype(metadata.type)) {
    const kind = metadata.isTensor ? metadata.type : 'no tensor';
    throw new EngineError(
      `"${metadata.name}" is ${kind}: only numeric tensors can enter or leave.`,
    );
  }
  return { name: metadata.name, dtype: metadata.type, dims: metadata.shape };
}
