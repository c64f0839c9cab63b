/**
 * @file Whether a folder holds a pipeline at all, before anything is parsed: what people give
 * instead gets a sentence that says how to come to what is needed.
 */
import { constants } from 'node:fs';
import { access, readdir, realpath, stat } from 'node:fs/promises';
import { extname, isAbsolute, join } from 'node:path';
import { AppError } from '@/lib/errors';

const index = 'model_index.json';

/** What makes an ONNX export of a folder that diffusers reads. */
const exporting = (from: string, to: string) => `optimum-cli export onnx --model ${from} ${to}`;

/** The code with the sentence. */
const refused = (message: string) => new AppError('unprocessable', message);

/**
 * Checks that a folder can be read and holds an export. @throws AppError that says what it is
 * instead, and what to do
 */
export async function checkFolder(folder: string): Promise<void> {
  if (!isAbsolute(folder)) {
    throw new AppError(
      'bad-request',
      `"${folder}" is no absolute path. Give the whole path of the pipeline's folder.`,
    );
  }
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => error);
  if (found instanceof Error) throw unreachable(folder, found);
  if (!found.isDirectory()) throw noFolder(folder);
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    throw unreachable(folder, error);
  });
  if (!names.includes(index)) throw await noPipeline(folder, names);
  await refuseUnreadable(folder, '');
  if (await hasGraphs(folder, names)) return;
  throw refused(
    `${folder} is a folder of diffusers, without ONNX graphs. Export it: ${exporting(folder, `${folder}-onnx`)}; then import ${folder}-onnx.`,
  );
}

function unreachable(path: string, { code, message }: NodeJS.ErrnoException): AppError {
  if (code === 'ENOENT') {
    return refused(`${path} does not exist. Give the folder of a pipeline's ONNX export.`);
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return refused(
      `${path} may not be read by the trainer's user. Give that user the right to read it (chmod -R a+rX), then try again.`,
    );
  }
  return refused(`${path} cannot be read: ${message}.`);
}

function noFolder(path: string): AppError {
  if (['.safetensors', '.ckpt', '.pt', '.pth', '.bin'].includes(extname(path))) {
    return refused(
      `${path} is a single checkpoint, and Darkroom trains ONNX exports. Make a folder of it with diffusers (StableDiffusionPipeline.from_single_file("${path}").save_pretrained("model")), export that (${exporting('model', 'model-onnx')}), then import model-onnx.`,
    );
  }
  if (extname(path) === '.onnx') {
    return refused(
      `${path} is one network. Give the folder of the whole pipeline, which holds ${index}.`,
    );
  }
  return refused(`${path} is no folder. Give the folder of a pipeline's ONNX export.`);
}

async function noPipeline(folder: string, names: readonly string[]): Promise<AppError> {
  const checkpoint = names.find((name) => ['.safetensors', '.ckpt'].includes(extname(name)));
  const below = await Promise.all(
    names.map(async (name) => ((await isFile(join(folder, name, index))) ? name : null)),
  );
  const nearer = below.filter((name) => name !== null);
  if (nearer.length > 0) {
    return refused(
      `${folder} holds no ${index}, but ${nearer.slice(0, 3).join(', ')} in it does. Give ${join(folder, nearer[0]!)}.`,
    );
  }
  if (checkpoint) return noFolder(join(folder, checkpoint));
  return refused(
    `${folder} holds no pipeline: ${index} is missing. Give the folder that ${exporting('MODEL', 'FOLDER')} made.`,
  );
}

/** Whether any part is an ONNX graph; a part without one is told by name when it is opened. */
async function hasGraphs(folder: string, names: readonly string[]): Promise<boolean> {
  for (const name of names) {
    const inside = await readdir(join(folder, name)).catch(() => []);
    if (inside.some((file) => file.endsWith('.onnx'))) return true;
  }
  return false;
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** Files of parts that may not be read, or are links to nothing. */
async function refuseUnreadable(folder: string, below: string): Promise<void> {
  const entries = await readdir(join(folder, below), { withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      throw unreachable(join(folder, below), error);
    },
  );
  for (const entry of entries) {
    const path = join(folder, below, entry.name);
    const found = await stat(path).catch((error: NodeJS.ErrnoException) => error);
    if (found instanceof Error) {
      throw refused(
        `${path} is a link to a file that does not exist. Copy the file there, or download the model again.`,
      );
    }
    await access(path, constants.R_OK).catch((error: NodeJS.ErrnoException) => {
      throw unreachable(path, error);
    });
    // Parts are folders of files.
    if (found.isDirectory() && below === '') await refuseUnreadable(folder, entry.name);
  }
}

/**
 * That all files of a folder lie under a root, links followed: what a page asks for stays where the
 * administrator allows it. @throws AppError naming the first that does not
 */
export async function refuseOutside(
  root: string,
  folder: string,
  files: readonly string[],
): Promise<void> {
  const inside = await realpath(root);
  for (const path of [folder, ...files.map((file) => join(folder, file))]) {
    const real = await realpath(path);
    if (real === inside || real.startsWith(join(inside, '/'))) continue;
    throw new AppError(
      'forbidden',
      `${path} lies outside of ${root}, from which pages may import models. Move the model there, or import it at the machine: npm run policy:import -- ${folder}.`,
    );
  }
}
