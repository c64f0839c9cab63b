/**
 * An adapter as other programs read it. They differ in how they name modules, and in where they
 * look for LoRA's alpha: diffusers in the header or nowhere, kohya's scripts, ComfyUI and A1111 in
 * tensors named `.alpha`. Where alpha is the rank, all of them apply the adapter once.
 */
import { z } from 'zod';
import { AppError } from '../errors';
import { kohyaModules } from './module-names';

export const adapterNamings = ['diffusers', 'kohya'] as const;

/** Whose names a file of an adapter bears. */
export type AdapterNaming = (typeof adapterNamings)[number];

const noteSchema = z.looseObject({
  trainables: z.string(),
  loraRank: z.number().positive(),
  loraAlpha: z.number().positive(),
});

const headerSchema = z.looseObject({ __metadata__: z.record(z.string(), z.string()) });
const size = z.number().int().nonnegative();
const tensorSchema = z.object({
  dtype: z.literal('F32'),
  shape: z.array(size),
  data_offsets: z.tuple([size, size]),
});

interface Matrix {
  dims: readonly number[];
  data: Float32Array;
}

/** A and B of one module; of a convolution A has a kernel, B one of 1 by 1. */
interface Pair {
  down: Matrix;
  up: Matrix;
}

interface StoredAdapter {
  note: z.infer<typeof noteSchema>;
  metadata: Record<string, string>;
  /** diffusers' name of the denoiser: `unet` or `transformer`. */
  prefix: string;
  /** By diffusers' module path. */
  modules: Map<string, Pair>;
}

/**
 * The file of an adapter under another program's names, at alpha = rank: `lora_B` is multiplied by
 * alpha / rank, so that strength 1 is strength 1 for every reader. Whole weights come back as they
 * are. `bytes`: a safetensors file as the trainer writes it (float32). Throws 'data-corrupt' where
 * it is none, 'bad-request' for whole weights under kohya's names, of which there are none.
 */
export function adapterFor(naming: AdapterNaming, bytes: Uint8Array): Uint8Array {
  const { note, ...rest } = readHeader(bytes);
  if (note.trainables === 'full') {
    if (naming === 'diffusers') return bytes;
    throw new AppError(
      'bad-request',
      "This policy holds all weights of its model, not an adapter, and kohya's names are for adapters alone. Download the weights as they are.",
    );
  }
  const adapter = atUnitStrength({ note, ...modulesOf(bytes, rest) });
  return naming === 'diffusers' ? forDiffusers(adapter) : forKohya(adapter);
}

function atUnitStrength({ note, modules, ...rest }: StoredAdapter): StoredAdapter {
  const scale = note.loraAlpha / note.loraRank;
  const scaled = [...modules].map(([path, { down, up }]): [string, Pair] => [
    path,
    { down, up: { dims: up.dims, data: up.data.map((value) => value * scale) } },
  ]);
  return {
    ...rest,
    note: { ...note, loraAlpha: note.loraRank },
    modules: scale === 1 ? modules : new Map(scaled),
  };
}

/**
 * PEFT's names, with the configuration that diffusers keeps in the header (`lora_adapter_metadata`,
 * `loaders/lora_base.py`). It builds PEFT's LoraConfig of every entry and fails at one that the
 * installed PEFT does not know: only those are here that all of them do.
 */
function forDiffusers({ note, prefix, modules, metadata }: StoredAdapter): Uint8Array {
  const config = {
    alpha_pattern: {},
    bias: 'none',
    lora_alpha: note.loraAlpha,
    lora_dropout: 0,
    peft_type: 'LORA',
    r: note.loraRank,
    rank_pattern: {},
    target_modules: [...modules.keys()].sort(),
  };
  const prefixed = Object.fromEntries(
    Object.entries(config).map(([key, value]) => [`${prefix}.${key}`, value]),
  );
  const tensors = [...modules].flatMap(([path, { down, up }]): [string, Matrix][] => [
    [`${prefix}.${path}.lora_A.weight`, down],
    [`${prefix}.${path}.lora_B.weight`, up],
  ]);
  return serialize(tensors, {
    ...metadata,
    darkroom: JSON.stringify(note),
    lora_adapter_metadata: JSON.stringify(prefixed, null, 2),
  });
}

/**
 * kohya's names. Without `lora_adapter_metadata`: diffusers refuses a file that says alpha twice.
 */
function forKohya({ note, prefix, modules, metadata }: StoredAdapter): Uint8Array {
  const tensors = kohyaModules(prefix, [...modules.keys()]).flatMap(
    ({ name, parts }): [string, Matrix][] => {
      const { down, up } = stacked(parts.map((part) => modules.get(part)));
      return [
        [`${name}.alpha`, { dims: [], data: Float32Array.of(down.dims[0]!) }],
        [`${name}.lora_down.weight`, down],
        [`${name}.lora_up.weight`, up],
      ];
    },
  );
  const { lora_adapter_metadata: _, ...rest } = metadata;
  return serialize(tensors, {
    ...rest,
    darkroom: JSON.stringify(note),
    ss_network_module: 'networks.lora',
    ss_network_dim: String(note.loraRank),
    ss_network_alpha: String(note.loraAlpha),
  });
}

/**
 * Adapters of modules that lie in one product, as one of the sum of their ranks: A's one above the
 * other, B's along the diagonal, zeros elsewhere. A missing one adds nothing but its rows.
 */
function stacked(pairs: readonly (Pair | undefined)[]): Pair {
  const there = pairs.filter((pair) => pair !== undefined);
  const [first] = there as [Pair];
  if (pairs.length === 1) return first;
  const [, ...patch] = first.down.dims;
  const rank = there.reduce((sum, { down }) => sum + down.dims[0]!, 0);
  const rows = first.up.dims[0]!;
  const down = new Float32Array(there.reduce((sum, pair) => sum + pair.down.data.length, 0));
  const up = new Float32Array(pairs.length * rows * rank);
  let column = 0;
  let filled = 0;
  for (const [part, pair] of pairs.entries()) {
    if (!pair) continue;
    down.set(pair.down.data, filled);
    filled += pair.down.data.length;
    const own = pair.up.dims[1]!;
    for (let row = 0; row < rows; row++) {
      const values = pair.up.data.subarray(row * own, (row + 1) * own);
      up.set(values, (part * rows + row) * rank + column);
    }
    column += own;
  }
  return {
    down: { dims: [rank, ...patch], data: down },
    up: { dims: [pairs.length * rows, rank], data: up },
  };
}

interface Header {
  note: z.infer<typeof noteSchema>;
  metadata: Record<string, string>;
  entries: Record<string, unknown>;
  dataStart: number;
}

const damaged = (cause: unknown) =>
  new AppError(
    'data-corrupt',
    'The stored adapter is damaged: it cannot be read. Restore it from a backup.',
    { cause },
  );

function readHeader(bytes: Uint8Array): Header {
  try {
    const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
    const dataStart = 8 + Number(length);
    const text = new TextDecoder().decode(bytes.subarray(8, dataStart));
    const { __metadata__: metadata, ...entries } = headerSchema.parse(JSON.parse(text));
    const note = noteSchema.parse(JSON.parse(metadata.darkroom ?? ''));
    return { note, metadata, entries, dataStart };
  } catch (cause) {
    throw damaged(cause);
  }
}

const tensorName = /^(unet|transformer)\.(.+)\.lora_([AB])\.weight$/;

function modulesOf(
  bytes: Uint8Array,
  { metadata, entries, dataStart }: Omit<Header, 'note'>,
): Omit<StoredAdapter, 'note'> {
  try {
    const halves = { A: new Map<string, Matrix>(), B: new Map<string, Matrix>() };
    let prefix = '';
    for (const [name, described] of Object.entries(entries)) {
      const [, start, path, half] = tensorName.exec(name) as unknown as string[];
      prefix = start!;
      halves[half as 'A' | 'B'].set(path!, matrixOf(bytes, dataStart, described));
    }
    const modules = [...halves.A].map(([path, down]): [string, Pair] => {
      const up = halves.B.get(path);
      if (!up) throw new Error(` has no lora_B`);
      return [path, { down, up }];
    });
    return { metadata, prefix, modules: new Map(modules) };
  } catch (cause) {
    throw damaged(cause);
  }
}

function matrixOf(bytes: Uint8Array, dataStart: number, described: unknown): Matrix {
  const { shape, data_offsets } = tensorSchema.parse(described);
  const [begin, end] = data_offsets;
  const own = bytes.slice(dataStart + begin, dataStart + end);
  const count = shape.reduce((product, dim) => product * dim, 1);
  return { dims: shape, data: new Float32Array(own.buffer, own.byteOffset, count) };
}

/** Tensors by name, float32; equal contents give equal bytes. */
function serialize(
  tensors: readonly [string, Matrix][],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const sorted = [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));
  const notes = Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)));
  let at = 0;
  const entries = sorted.map(([name, { dims, data }]) => {
    const begin = at;
    at += data.byteLength;
    return [name, { dtype: 'F32', shape: dims, data_offsets: [begin, at] }] as const;
  });
  const json = new TextEncoder().encode(
    JSON.stringify({ __metadata__: notes, ...Object.fromEntries(entries) }),
  );
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerBytes + at).fill(0x20, 0, 8 + headerBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.set(json, 8);
  let filled = 8 + headerBytes;
  for (const [, { data }] of sorted) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), filled);
    filled += data.byteLength;
  }
  return bytes;
}
