/** @file A session of a network, from its prepared form where it is worth one. */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ort } from '../onnxruntime';
import type { Prepare } from '../protocol';
import { bytesOfAll, type Identity, identityOf, type Network } from './identity';
import { type PreparedSettings, PreparedStore } from './store';

type Options = ort.InferenceSession.SessionOptions;

interface Opening {
  options: Options;
  /** Where its external data lies. */
  folder: string | undefined;
  settings: PreparedSettings | undefined;
  prepare: Prepare;
}

/** Smaller weights stay in the graph's own file. */
const leastExternalBytes = 1024;

/**
 * Opens a large network from its prepared form, and any other as it is. Where preparing has failed
 * (no room on the disk, a folder that is not ours to write), the network is opened as it is, too.
 *
 * @returns undefined where it is to be prepared first, or has been
 */
export async function openSession(
  model: Uint8Array | string,
  { options, folder, settings, prepare }: Opening,
): Promise<ort.InferenceSession | undefined> {
  // Both: a model is bytes or a path, and ONNX Runtime's types want to know which.
  const plain = () =>
    typeof model === 'string'
      ? ort.InferenceSession.create(model, options)
      : ort.InferenceSession.create(model, options);
  if (!settings) return plain();
  const network = { bytes: typeof model === 'string' ? readFileSync(model) : model, folder };
  const identity = identityOf(network, ort.env.versions.node ?? ort.env.versions.common);
  if (!identity || bytesOfAll(network, identity) < settings.leastBytes) return plain();
  const store = new PreparedStore(settings);
  const room = () => store.hasRoomFor(identity, bytesOfAll(network, identity));
  if (prepare === 'make') {
    if (hasRoom(room)) await write(store, network, identity, options);
    return undefined;
  }
  const ready = await opened(store, identity, options);
  if (ready) return ready;
  return prepare === 'ask' && hasRoom(room) ? undefined : plain();
}

async function opened(
  store: PreparedStore,
  identity: Identity,
  options: Options,
): Promise<ort.InferenceSession | undefined> {
  try {
    const path = store.find(identity);
    if (path === undefined) return undefined;
    // All that could be rewritten has been.
    return await ort.InferenceSession.create(path, {
      ...options,
      graphOptimizationLevel: 'disabled',
      extra: withKeys(options, { model_external_initializers_file_folder_path: dirname(path) }),
    });
  } catch {
    store.discard(identity);
    return undefined;
  }
}

function hasRoom(room: () => boolean): boolean {
  try {
    return room();
  } catch {
    // Not ours to write.
    return false;
  }
}

async function write(
  store: PreparedStore,
  network: Network,
  identity: Identity,
  options: Options,
): Promise<void> {
  try {
    await store.keep(identity, async (model, weights) => {
      const session = await ort.InferenceSession.create(network.bytes, {
        ...options,
        optimizedModelFilePath: model,
        extra: withKeys(options, {
          save_external_prepacked_constant_initializers: '1',
          optimized_model_external_initializers_file_name: weights,
          optimized_model_external_initializers_min_size_in_bytes: String(leastExternalBytes),
        }),
      });
      await session.release();
    });
  } catch {
    // No room after all, or not ours to write: it runs as it is.
  }
}

function withKeys({ extra }: Options, keys: Record<string, string>): Options['extra'] {
  const session = (extra?.session ?? {}) as Record<string, unknown>;
  return { ...extra, session: { ...session, ...keys } };
}
