/**
 * @file A policy as a whole pipeline: a copy of its base's folder in which the denoiser's weights
 * are the policy's own. One weight is in memory at a time; data that lie in files of their own stay
 * there.
 */
import { existsSync } from 'node:fs';
import {
  chmod,
  cp,
  type FileHandle,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { AppError } from '@/lib/errors';
import { mergedTensor, type WeightPlace, weightPlaces } from '@/trainer/diffusion/adapters/merge';
import { adapterSites } from '@/trainer/diffusion/adapters/sites';
import { denoiserKinds } from '@/trainer/diffusion/denoiser-kinds';
import { fromFloat32 } from '@/trainer/graph/float16';
import { type Graph, isExternal } from '@/trainer/graph/model';
import { loadConstant, readOnnxFile } from '@/trainer/graph/onnx/read';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { bytesOf, elementBytes, type Tensor } from '@/trainer/graph/tensor';
import { targetsOf } from '../train/method-settings';
import type { PolicyFile } from '../train/policy-file';
import { openPolicy } from './resolve';

/** Weights of the denoiser for PyTorch, which would be those of the base. */
const forPyTorch = /\.(?:safetensors|bin|msgpack)$/;

/** Where new data begin in a file: as far apart as the format asks for maps of memory. */
const alignment = 4096;

/**
 * Writes the pipeline of a policy into a new folder. Throws 'bad-request' for a base policy, which
 * is a pipeline already, and 'conflict' for a folder that holds something; nothing is left then.
 */
export async function exportPolicy(id: string, folder: string): Promise<void> {
  const { policy, pipeline, file } = await openPolicy(id);
  if (!file) {
    throw new AppError(
      'bad-request',
      `${policy.name} is a base policy: its pipeline lies in ${pipeline.folder} as it is. Choose one that was trained from it.`,
    );
  }
  const place = resolve(folder);
  const there = existsSync(place) ? await readdir(place) : [];
  if (there.length > 0) {
    throw new AppError(
      'conflict',
      `${folder} is there and holds ${there[0]}. Give a folder that does not exist yet.`,
    );
  }
  if (place.startsWith(resolve(pipeline.folder) + sep)) {
    throw new AppError(
      'bad-request',
      `${folder} lies within the pipeline that is copied. Give a folder elsewhere.`,
    );
  }
  const part = join(dirname(place), `.${basename(place)}.part`);
  await rm(part, { recursive: true, force: true });
  try {
    const own = denoiserKinds[pipeline.layout.denoiser].folder;
    const denoiser = join(pipeline.folder, own);
    await mkdir(dirname(part), { recursive: true });
    await cp(pipeline.folder, part, {
      recursive: true,
      // Files of a store, such as Hugging Face's cache, are links.
      dereference: true,
      filter: (path) => dirname(path) !== denoiser || !forPyTorch.test(path),
    });
    await makeWritable(join(part, own));
    await writeMerged(join(denoiser, 'model.onnx'), join(part, own, 'model.onnx'), file);
    await rm(place, { recursive: true, force: true });
    await rename(part, place);
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}

/** What is copied from a folder that may only be read may only be read, too. */
async function makeWritable(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isFile()) await chmod(join(folder, entry.name), 0o644);
  }
}

/** Changes the copy of a network, made with its data, to the policy's weights. */
async function writeMerged(from: string, to: string, file: PolicyFile): Promise<void> {
  const graph = await readOnnxFile(from);
  const data = new DataFiles(dirname(to));
  try {
    const changed =
      file.kind.trainables === 'full'
        ? await replaceAll(graph, file, data)
        : await mergeAll(graph, file, data);
    if (changed) await writeFile(to, serializeOnnx(graph));
  } finally {
    await data.close();
  }
}

/** Whether the graph itself has changed, not only its data files. */
async function mergeAll(
  graph: Graph,
  { kind, tensors }: PolicyFile,
  data: DataFiles,
): Promise<boolean> {
  const sites = adapterSites(graph, targetsOf[kind.trainables as keyof typeof targetsOf]);
  let changed = false;
  for (const place of weightPlaces(graph, sites)) {
    const own = await loadConstant(graph.constants.get(place.constant)!, graph, place.constant);
    const merged = mergedTensor(place, own, tensors, kind.loraAlpha / kind.loraRank);
    const inPlace = place.shared
      ? await setApart(graph, place, merged, data)
      : await store(graph, place.constant, merged, data);
    changed ||= !inPlace;
  }
  return changed;
}

async function replaceAll(
  graph: Graph,
  { tensors }: PolicyFile,
  data: DataFiles,
): Promise<boolean> {
  let changed = false;
  for (const [name, { dims, data: values }] of tensors) {
    const { dtype } = graph.constants.get(name)!;
    const inPlace = await store(graph, name, fromFloat32(dtype, dims, values), data);
    changed ||= !inPlace;
  }
  return changed;
}

/** Gives a constant other data of the same size. Whether a data file took them. */
async function store(graph: Graph, name: string, value: Tensor, data: DataFiles): Promise<boolean> {
  const constant = graph.constants.get(name)!;
  if (!isExternal(constant)) {
    graph.constants.set(name, value);
    return false;
  }
  const { location, offset } = constant.external;
  await data.write(location, bytesOf(value), offset);
  return true;
}

/** Gives one product a weight of its own where others share the one that it had. */
async function setApart(
  graph: Graph,
  { node, site, constant }: WeightPlace,
  value: Tensor,
  data: DataFiles,
): Promise<false> {
  const name = `${site.key}.weight merged`;
  const former = graph.constants.get(constant)!;
  node.inputs[1] = name;
  if (!isExternal(former)) graph.constants.set(name, value);
  else {
    const { location } = former.external;
    const offset = await data.append(location, bytesOf(value));
    const length = value.data.length * elementBytes(value.dtype);
    graph.constants.set(name, {
      dtype: value.dtype,
      dims: value.dims,
      external: { location, offset, length },
    });
  }
  return false;
}

/** Data files in the folder of a model, kept open while they are written. */
class DataFiles {
  readonly #open = new Map<string, FileHandle>();

  constructor(private readonly folder: string) {}

  async write(location: string, bytes: Uint8Array, offset: number): Promise<void> {
    await (await this.#file(location)).write(bytes, 0, bytes.length, offset);
  }

  /** Writes behind what there is. The offset. */
  async append(location: string, bytes: Uint8Array): Promise<number> {
    const { size } = await (await this.#file(location)).stat();
    const offset = Math.ceil(size / alignment) * alignment;
    await this.write(location, bytes, offset);
    return offset;
  }

  async close(): Promise<void> {
    for (const file of this.#open.values()) await file.close();
  }

  async #file(location: string): Promise<FileHandle> {
    const known = this.#open.get(location);
    if (known) return known;
    const file = await open(join(this.folder, location), 'r+');
    this.#open.set(location, file);
    return file;
  }
}
