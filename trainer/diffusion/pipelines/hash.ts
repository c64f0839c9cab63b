/**
 * @file The identity of a pipeline on disk: what a policy's manifest names, so that a result can be
 * made again.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { isExternal } from '@/trainer/graph/model';
import { readOnnxFile } from '@/trainer/graph/onnx/read';

/**
 * What decides which images come out; the rest of a folder (cards, samples, previews) may change.
 * Besides these, whatever a graph names as its data.
 */
const decisive = /\.(onnx|onnx_data|safetensors|json|txt)$/;
/** Measures images, and draws none. */
const measuring = /^lpips\//;

/**
 * The files of a pipeline's folder by name, sorted: those that its hash is of, and those that only
 * measure. Links are followed, to files and to folders.
 */
export async function pipelineFiles(
  folder: string,
): Promise<{ hashed: string[]; measuring: string[] }> {
  const all = await filesUnder(folder, '', []);
  const data = await dataFiles(folder, all);
  const files = all.filter((name) => decisive.test(name) || data.has(name)).sort();
  return {
    hashed: files.filter((name) => !measuring.test(name)),
    measuring: files.filter((name) => measuring.test(name)),
  };
}

/** Names of all files below, links followed. @param above real paths of the folders on the way */
async function filesUnder(root: string, name: string, above: readonly string[]): Promise<string[]> {
  const folder = join(root, name);
  const real = await realpath(folder).catch(() => folder);
  // A link to a folder that it lies in.
  if (above.includes(real)) return [];
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = posix.join(name, entry.name);
      const what = entry.isSymbolicLink()
        ? await stat(join(root, path)).catch(() => undefined)
        : entry;
      if (what?.isDirectory()) return filesUnder(root, path, [...above, real]);
      return what?.isFile() ? [path] : [];
    }),
  );
  return found.flat();
}

/** What graphs keep in files beside them. A graph with nothing else beside it is not read. */
async function dataFiles(folder: string, files: readonly string[]): Promise<Set<string>> {
  const others = new Set(
    files.filter((name) => !decisive.test(name)).map((name) => posix.dirname(name)),
  );
  const graphs = files.filter(
    (name) =>
      name.endsWith('.onnx') && [...others].some((other) => isWithin(other, posix.dirname(name))),
  );
  const named = await Promise.all(
    graphs.map(async (name) =>
      (await locationsIn(join(folder, name))).map((location) =>
        posix.join(posix.dirname(name), location.replaceAll('\\', '/')),
      ),
    ),
  );
  return new Set(named.flat());
}

function isWithin(folder: string, other: string): boolean {
  return other === '.' || folder === other || folder.startsWith(`${other}/`);
}

/** What was found in a graph, by its path, as long as its file stays as it is. */
const known = new Map<string, { print: string; locations: string[] }>();

async function locationsIn(path: string): Promise<string[]> {
  const { size, mtimeMs, ctimeMs } = await stat(path);
  const print = [size, mtimeMs, ctimeMs].join(' ');
  const found = known.get(path);
  if (found?.print === print) return found.locations;
  // Whoever opens a graph that cannot be read is told why; it names no data.
  const graph = await readOnnxFile(path).catch(() => undefined);
  const constants = [...(graph?.constants.values() ?? [])];
  const locations = constants.flatMap((constant) =>
    isExternal(constant) ? [constant.external.location] : [],
  );
  known.set(path, { print, locations: [...new Set(locations)] });
  return locations;
}

/**
 * Sha256 of the models, configurations and vocabularies under a pipeline's folder, with their
 * names.
 *
 * @throws when the folder holds no pipeline, naming it
 */
export async function pipelineHash(folder: string): Promise<string> {
  return filesHash(folder, await hashedFiles(folder));
}

/** The files that a pipeline's hash is of. @throws when the folder holds no pipeline, naming it */
export async function hashedFiles(folder: string): Promise<string[]> {
  const { hashed } = await pipelineFiles(folder);
  if (hashed.includes('model_index.json')) return hashed;
  throw new Error(
    `${folder} holds no pipeline: model_index.json is missing. Give a folder in the layout of Optimum's ONNX exports.`,
  );
}

/** Sha256 of files of a folder, with their names, in the order given. */
export async function filesHash(folder: string, files: readonly string[]): Promise<string> {
  const hashes: string[] = [];
  for (const file of files) hashes.push(await fileHash(join(folder, file)));
  return hashOfHashes(files, hashes);
}

/** The same where each file's sha256 is known already. */
export function hashOfHashes(files: readonly string[], hashes: readonly string[]): string {
  const whole = createHash('sha256');
  for (const [i, file] of files.entries()) whole.update(`${file}\0${hashes[i]!}\0`);
  return whole.digest('hex');
}

/** Sha256 of one file. @param onBytes told of each portion that was read */
export async function fileHash(path: string, onBytes?: (bytes: number) => void): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    onBytes?.(chunk.byteLength);
  }
  return hash.digest('hex');
}
