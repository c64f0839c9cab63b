/**
 * @file What an imported reward model consists of: the files that its manifest names and those that
 * they name, and the name that a hash of them gives it, so that no two are mixed.
 */
import { readdir, stat } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import type { filesHash } from '@/trainer/diffusion/pipelines/hash';
import { isExternal } from '@/trainer/graph/model';
import { readOnnxFile } from '@/trainer/graph/onnx/read';
import { RewardError } from '../reward';
import type { Manifest } from './manifest';

/** Weights are in memory while a model is used: it may take half of a machine's. */
const bytesMax = totalmem() / 2;

/**
 * The files that decide a score, relative to `folder`, sorted; nothing else in the folder is looked
 * at.
 *
 * @throws RewardError where one is missing, or all together are larger than `limit` bytes
 */
export async function rewardFiles(
  folder: string,
  manifest: Manifest,
  limit = bytesMax,
): Promise<string[]> {
  const { image, text, head } = manifest;
  const models = [image.file, text?.file, head?.file].filter((file) => file !== undefined);
  const files = new Map<string, number>();
  const add = async (file: string): Promise<void> => {
    const name = file.replaceAll('\\', '/');
    if (files.has(name)) return;
    const size = await stat(join(folder, name)).catch(() => undefined);
    if (!size?.isFile()) {
      throw new RewardError(
        `${join(folder, name)} is missing, though the model names it. Put the file there, or correct reward.json.`,
      );
    }
    files.set(name, size.size);
    const bytes = [...files.values()].reduce((sum, length) => sum + length, 0);
    if (bytes <= limit) return;
    throw new RewardError(
      `The model's files are ${gigabytes(bytes)} or more, and on this machine a reward model may have ${gigabytes(limit)}. Export it in half precision, or run the trainer on a larger machine.`,
    );
  };
  for (const file of ['reward.json', ...models]) await add(file);
  for (const model of models) {
    const graph = await readOnnxFile(join(folder, model));
    for (const constant of graph.constants.values()) {
      if (isExternal(constant)) await add(join(dirname(model), constant.external.location));
    }
  }
  if (text) {
    const entries = await readdir(join(folder, text.folder)).catch(() => []);
    for (const entry of entries) {
      if (/\.(json|txt)$/.test(entry)) await add(join(text.folder, entry));
    }
  }
  return [...files.keys()].sort();
}

/**
 * `name (layout version, hash)`: the hash is of everything that decides a score, by `filesHash` or
 * what remembers it.
 */
export async function nameOf(
  folder: string,
  manifest: Manifest,
  hashOf: typeof filesHash,
): Promise<string> {
  const hash = await hashOf(folder, await rewardFiles(folder, manifest));
  return `${manifest.name} (${manifest.layout} ${manifest.version}, ${hash.slice(0, 8)})`;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
