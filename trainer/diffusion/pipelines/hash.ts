/**
 * @file The identity of a pipeline on disk: what a policy's manifest names, so that a result can be
 * made again.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { pipeline as flow } from 'node:stream/promises';

/**
 * What decides which images come out; the rest of a folder (cards, samples, previews) may change.
 */
const decisive = /\.(onnx|onnx_data|safetensors|json|txt)$/;
/** Measures images, and draws none. */
const measuring = /^lpips\//;

/**
 * The files of a pipeline's folder by name, sorted: those that its hash is of, and those that only
 * measure.
 */
export async function pipelineFiles(
  folder: string,
): Promise<{ hashed: string[]; measuring: string[] }> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  const files = entries
    .filter((entry) => entry.isFile() && decisive.test(entry.name))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
  return {
    hashed: files.filter((name) => !measuring.test(name)),
    measuring: files.filter((name) => measuring.test(name)),
  };
}

/**
 * Sha256 of the models, configurations and vocabularies under a pipeline's folder, with their
 * names.
 *
 * @throws when the folder holds no pipeline, naming it
 */
export async function pipelineHash(folder: string): Promise<string> {
  const { hashed } = await pipelineFiles(folder);
  if (!hashed.includes('model_index.json')) {
    throw new Error(
      `${folder} holds no pipeline: model_index.json is missing. Give a folder in the layout of Optimum's ONNX exports.`,
    );
  }
  return filesHash(folder, hashed);
}

/** Sha256 of files of a folder, with their names, in the order given. */
export async function filesHash(folder: string, files: readonly string[]): Promise<string> {
  const whole = createHash('sha256');
  for (const file of files) {
    const part = createHash('sha256');
    await flow(createReadStream(join(folder, file)), part);
    whole.update(`${file}\0${part.digest('hex')}\0`);
  }
  return whole.digest('hex');
}
