/**
 * @file A LoRA that any program made, as this model's own adapter: under diffusers' keys, in
 * float32, of one rank, with alpha = rank. Nothing of what it does to the model changes.
 */
import { AppError } from '@/lib/errors';
import { trainingSettings } from '@/lib/settings/training';
import type { Safetensors } from '@/trainer/formats/safetensors';
import { toFloat32 } from '@/trainer/graph/float16';
import type { Graph } from '@/trainer/graph/model';
import { float32, formatDims, sizeOf, type Tensor } from '@/trainer/graph/tensor';
import { scaleInHeader } from './adapter-alpha';
import { type Adapter, adapterTensors } from './lora';
import { type ModuleTable, moduleTable, type TableEntry } from './module-table';
import type { AdapterSite, AdapterTargets } from './sites';
import { type AdapterPart, isOfTextEncoder, tensorNameOf } from './tensor-names';

export interface ReadAdapter {
  /** The smallest targets that hold all its modules. */
  targets: AdapterTargets;
  /** Of every module; alpha is the same. */
  rank: number;
  tensors: Adapter;
  /** What was done to it, for the person who brings it. */
  notes: string[];
}

export interface ReadOptions {
  /** The file's name, for errors. */
  source: string;
  /** Numbers for what the file leaves open, which change nothing before they are trained. */
  gaussian: () => number;
  /** PEFT's `adapter_config.json`, where it lies beside the file. */
  config?: unknown;
  /** Passes over parts for text encoders, which are else refused. */
  withoutText?: boolean;
}

/** The parts of one module in a file. */
type Parts = Partial<Record<AdapterPart, Tensor>>;

/** A [r, in, …] and B [out, r] of one site, alpha / rank multiplied into B. */
interface Pair {
  rank: number;
  down: Float32Array;
  up: Float32Array;
}

/**
 * Reads a LoRA file for a denoiser. Throws 'unprocessable', naming the tensor, where it is for
 * another model, another way of adapting, or cannot be made this model's adapter exactly.
 */
export function readAdapter(file: Safetensors, graph: Graph, options: ReadOptions): ReadAdapter {
  const { source } = options;
  const table = moduleTable(graph);
  const notes: string[] = [];
  const modules = modulesOf(file, options, notes);
  const scaleOf = scaleInHeader(file.metadata, prefixOf(table), source, options.config);
  const pairs = new Map<string, Pair>();
  for (const [module, parts] of modules) {
    const entry = table.find(module);
    if (!entry) refuseModule(module, parts, source);
    for (const [site, pair] of pairsOf(module, parts, entry, scaleOf, source)) {
      if (pairs.has(site.key)) {
        throw new AppError(
          'unprocessable',
          `${source} holds an adapter of ${site.key} twice, under two names. Keep one of them.`,
        );
      }
      pairs.set(site.key, pair);
    }
  }
  if (pairs.size === 0) {
    throw new AppError(
      'unprocessable',
      `${source} holds no LoRA. Choose a file with lora_A and lora_B, or lora_down and lora_up.`,
    );
  }
  return { ...filled(pairs, table, options, notes), notes };
}

const prefixOf = ({ sites }: ModuleTable) => [...sites.attention.values()][0]!.prefix;

function modulesOf(
  { tensors }: Safetensors,
  { source, withoutText }: ReadOptions,
  notes: string[],
): Map<string, Parts> {
  const modules = new Map<string, Parts>();
  const ofText = [...tensors.keys()].filter(isOfTextEncoder);
  if (ofText.length > 0 && !withoutText) {
    throw new AppError(
      'unprocessable',
      `${source} also changes a text encoder ("${ofText[0]}" and ${ofText.length - 1} more tensors), and Darkroom adapts the denoiser alone. Leave those parts out, with --without-text: its images will differ from those it gives elsewhere.`,
    );
  }
  if (ofText.length > 0) notes.push(`${ofText.length} tensors for text encoders are left out.`);
  for (const [name, tensor] of tensors) {
    if (isOfTextEncoder(name)) continue;
    const { module, part } = tensorNameOf(name, source);
    const parts = modules.get(module) ?? {};
    if (parts[part]) {
      throw new AppError(
        'unprocessable',
        `${source} holds ${part} of ${module} twice, the second time as "${name}". Keep one of them.`,
      );
    }
    parts[part] = tensor;
    modules.set(module, parts);
  }
  return modules;
}

function refuseModule(module: string, parts: Parts, source: string): never {
  const dims = formatDims((parts.down ?? parts.up ?? parts.alpha)!.dims);
  throw new AppError(
    'unprocessable',
    `${source} changes the module ${module} (${dims}), which this model does not have, or which Darkroom does not train: it trains attention, feed-forward layers and the convolutions of resnets. Choose a LoRA for this model.`,
  );
}

function* pairsOf(
  module: string,
  parts: Parts,
  entry: TableEntry,
  scaleOf: (path: string, rank: number) => number,
  source: string,
): Generator<[AdapterSite, Pair]> {
  const { down, up, mid, alpha } = parts;
  if (!down || !up) {
    throw new AppError(
      'unprocessable',
      `${source} holds ${down ? 'only A' : up ? 'only B' : 'alpha alone'} of ${module}, and a LoRA has A and B. Download it again.`,
    );
  }
  const rank = down.dims[0]!;
  const sites = entry.filter((site) => site !== undefined);
  const [first] = sites as [AdapterSite];
  const rows = sites.reduce((sum, { outFeatures }) => sum + outFeatures, 0);
  const kernel = first.window?.kernel ?? [];
  const whole = mid ? withMiddle(down, mid) : toFloat32(down);
  const fits =
    sites.length === entry.length &&
    whole.length === rank * first.inFeatures * sizeOf(kernel) &&
    down.dims[1] === first.inFeatures &&
    sizeOf(up.dims) === rows * rank &&
    up.dims[0] === rows;
  if (!fits) {
    throw new AppError(
      'unprocessable',
      `${source}: A ${formatDims(down.dims)} and B ${formatDims(up.dims)} of ${module} do not fit this model, where it takes ${first.inFeatures} and gives ${rows}${kernel.length > 0 ? `, with a window of ${kernel.join('x')}` : ''}. Choose a LoRA for this model.`,
    );
  }
  const scale = scaleAt(alpha, rank) ?? scaleOf(first.key, rank);
  const upper = toFloat32(up).map((value) => value * scale);
  for (const value of [...[whole, upper]].flatMap((values) => [values.find(isNotFinite)])) {
    if (value === undefined) continue;
    throw new AppError(
      'unprocessable',
      `${source} holds ${value} in ${module}: it was damaged, or its training went wrong. Choose another file.`,
    );
  }
  yield* split(sites, { rank, down: whole, up: upper });
}

const isNotFinite = (value: number) => !Number.isFinite(value);

/** kohya's trainer takes an alpha of 0 for the rank. */
function scaleAt(alpha: Tensor | undefined, rank: number): number | undefined {
  if (!alpha) return undefined;
  const [value] = toFloat32(alpha);
  return value === 0 ? 1 : value! / rank;
}

/**
 * A of a convolution in Tucker's form (LyCORIS' `lora_mid` [r, r, k, k] behind a down of 1 by 1 [r,
 * in, 1, 1]) as one of [r, in, k, k].
 */
function withMiddle(down: Tensor, mid: Tensor): Float32Array {
  const [rank, inFeatures] = down.dims as [number, number];
  const [first, inner, ...kernel] = mid.dims as [number, number, ...number[]];
  const taps = sizeOf(kernel);
  if (first !== rank || inner !== rank || down.data.length !== rank * inFeatures) {
    return new Float32Array();
  }
  const [low, middle] = [toFloat32(down), toFloat32(mid)];
  const out = new Float32Array(rank * inFeatures * taps);
  for (let row = 0; row < rank; row++) {
    for (let column = 0; column < inFeatures; column++) {
      for (let tap = 0; tap < taps; tap++) {
        let sum = 0;
        for (let i = 0; i < rank; i++) {
          sum += middle[(row * rank + i) * taps + tap]! * low[i * inFeatures + column]!;
        }
        out[(row * inFeatures + column) * taps + tap] = sum;
      }
    }
  }
  return out;
}

/**
 * One product of several modules, module by module: each has its rows of B. Where B is zero but for
 * blocks along its diagonal, as programs write it that had several to begin with, each also has its
 * share of the rank.
 */
function* split(
  sites: readonly AdapterSite[],
  { rank, down, up }: Pair,
): Generator<[AdapterSite, Pair]> {
  const own = rank / sites.length;
  const patch = down.length / rank;
  const tops = sites.map((_, i) =>
    sites.slice(0, i).reduce((sum, { outFeatures }) => sum + outFeatures, 0),
  );
  const isOfOther = (row: number, column: number) => {
    const part = tops.findLastIndex((top) => row >= top);
    return Math.floor(column / own) !== part;
  };
  const diagonal =
    Number.isInteger(own) &&
    up.every((value, at) => value === 0 || !isOfOther(Math.floor(at / rank), at % rank));
  for (const [i, site] of sites.entries()) {
    const rows = up.subarray(tops[i]! * rank, (tops[i]! + site.outFeatures) * rank);
    if (!diagonal) yield [site, { rank, down, up: rows }];
    else {
      const columns = Float32Array.from(
        { length: site.outFeatures * own },
        (_, at) => rows[Math.floor(at / own) * rank + i * own + (at % own)]!,
      );
      const share = down.subarray(i * own * patch, (i + 1) * own * patch);
      yield [site, { rank: own, down: share, up: columns }];
    }
  }
}

/**
 * An adapter at every site of the targets, all of the largest rank. B is zero where the file has
 * nothing, so that nothing is added; A is random there, for where both are zero nothing is learned.
 */
function filled(
  pairs: ReadonlyMap<string, Pair>,
  { sites }: ModuleTable,
  { source, gaussian }: ReadOptions,
  notes: string[],
): Omit<ReadAdapter, 'notes'> {
  const ranks = [...pairs.values()].map(({ rank }) => rank);
  const rank = Math.max(...ranks);
  const { max } = trainingSettings.loraRank;
  if (rank > max) {
    throw new AppError(
      'unprocessable',
      `${source} is of rank ${rank}, and Darkroom trains up to ${max}. Resize it first, as kohya's resize_lora.py does.`,
    );
  }
  if (Math.min(...ranks) < rank) {
    notes.push(`Ranks from ${Math.min(...ranks)} on are widened to ${rank}; that changes nothing.`);
  }
  const targets: AdapterTargets = [...pairs.keys()].every((key) => sites.attention.has(key))
    ? 'attention'
    : 'attention+feed-forward+convolutions';
  const wanted = sites[targets];
  const missing = wanted.size - pairs.size;
  if (missing > 0) notes.push(`${missing} of ${wanted.size} modules are not in it and start anew.`);
  const tensors: Adapter = new Map();
  for (const site of wanted.values()) {
    const pair = pairs.get(site.key);
    const [down, up] = adapterTensors([site], rank) as [
      { name: string; dims: number[] },
      { name: string; dims: number[] },
    ];
    const a = Float32Array.from({ length: sizeOf(down.dims) }, (_, at) =>
      pair && at < pair.down.length ? pair.down[at]! : gaussian() / rank,
    );
    const b = new Float32Array(sizeOf(up.dims));
    const own = pair?.rank ?? 0;
    for (let row = 0; row < site.outFeatures; row++) {
      b.set(pair?.up.subarray(row * own, (row + 1) * own) ?? [], row * rank);
    }
    tensors.set(down.name, float32(down.dims, a));
    tensors.set(up.name, float32(up.dims, b));
  }
  return { targets, rank, tensors };
}
