/**
 * @file The safetensors format: 8 bytes of header length, a JSON header, the tensors' bytes without
 * gaps. Source: the format's description in huggingface/safetensors. Files come from anywhere, so
 * every claim is checked.
 */
import { readFile } from 'node:fs/promises';
import {
  bytesOf,
  type Dtype,
  elementBytes,
  formatDims,
  sizeOf,
  type Tensor,
  tensorFromBytes,
} from '@/trainer/graph/tensor';

/**
 * A file that is no safetensors file, or not a whole one: names the file, what is wrong and what to
 * do.
 */
export class SafetensorsError extends Error {
  override name = 'SafetensorsError';
}

export interface Safetensors {
  /** In the order of their data in the file. */
  tensors: Map<string, Tensor>;
  metadata: Record<string, string>;
}

const dtypeOfTag: Readonly<Record<string, Dtype>> = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  I64: 'int64',
  I32: 'int32',
  I16: 'int16',
  I8: 'int8',
  U64: 'uint64',
  U32: 'uint32',
  U16: 'uint16',
  U8: 'uint8',
  BOOL: 'bool',
};

const tagOfDtype = Object.fromEntries(
  Object.entries(dtypeOfTag).map(([tag, dtype]) => [dtype, tag]),
) as Record<Dtype, string>;

/**
 * The reference implementation takes three times as much; a tensor takes a hundred bytes, and no
 * model has 300,000. JSON of this size is parsed within seconds.
 */
const headerBytesMax = 32_000_000;

/** As many axes as NumPy's arrays may have. */
const axesMax = 64;

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

// By hand: a schema that collects all that is wrong with a header takes ten times as long as
// parsing it.
const isSize = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;

function isSizes(value: unknown, most: number): value is number[] {
  return Array.isArray(value) && value.length <= most && value.every(isSize);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function entryOf(value: unknown): Entry | undefined {
  if (!isRecord(value)) return undefined;
  const { dtype, shape, data_offsets } = value;
  const fits =
    typeof dtype === 'string' &&
    isSizes(shape, axesMax) &&
    isSizes(data_offsets, 2) &&
    data_offsets.length === 2;
  return fits ? { dtype, shape, data_offsets: data_offsets as [number, number] } : undefined;
}

function metadataOf(value: unknown): Record<string, string> | undefined {
  const fits = isRecord(value) && Object.values(value).every((note) => typeof note === 'string');
  return fits ? (value as Record<string, string>) : undefined;
}

/** Reads a whole file. */
export async function readSafetensors(path: string): Promise<Safetensors> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    const missing = cause.code === 'ENOENT';
    throw new SafetensorsError(
      missing ? `${path} does not exist: check the path.` : `${path}: ${cause.message}`,
      { cause },
    );
  });
  return parseSafetensors(bytes, path);
}

/**
 * Parses a file's bytes; the tensors share their memory where alignment allows. `source` is the
 * name for errors.
 */
export function parseSafetensors(bytes: Uint8Array, source: string): Safetensors {
  const refuse = (what: string): never => {
    throw new SafetensorsError(`${source} ${what} Download or export it again.`);
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 8)
    refuse(`has ${bytes.byteLength} bytes, too few for a safetensors file.`);
  const headerBytes = Number(view.getBigUint64(0, true));
  if (headerBytes > headerBytesMax) {
    refuse(
      `claims a header of ${headerBytes} bytes, more than the ${headerBytesMax} that Darkroom reads: it is no safetensors file of a model.`,
    );
  }
  const dataStart = 8 + headerBytes;
  if (dataStart > bytes.byteLength) {
    refuse(
      `is truncated: its header takes ${headerBytes} bytes, but ${bytes.byteLength - 8} follow.`,
    );
  }
  const header = parseHeader(bytes.subarray(8, dataStart), refuse);
  const data = bytes.subarray(dataStart);

  let metadata: Record<string, string> = {};
  const spans: { name: string; dtype: Dtype; shape: number[]; begin: number; end: number }[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') {
      metadata = metadataOf(value) ?? refuse('has metadata that are not all text.');
      continue;
    }
    const entry = entryOf(value);
    if (!entry)
      return refuse(`describes "${name}" without a usable dtype, shape and data_offsets.`);
    const dtype = dtypeOfTag[entry.dtype];
    if (!dtype) {
      throw new SafetensorsError(
        `${source} holds "${name}" as ${entry.dtype}, which cannot be read: convert it to F32 or F16.`,
      );
    }
    const [begin, end] = entry.data_offsets;
    const wanted = sizeOf(entry.shape) * elementBytes(dtype);
    if (end - begin !== wanted) {
      refuse(
        `gives "${name}" ${end - begin} bytes, but ${entry.dtype} of shape ${formatDims(entry.shape)} takes ${wanted}.`,
      );
    }
    spans.push({ name, dtype, shape: entry.shape, begin, end });
  }

  spans.sort((a, b) => a.begin - b.begin || a.end - b.end);
  const tensors = new Map<string, Tensor>();
  let at = 0;
  for (const { name, dtype, shape, begin, end } of spans) {
    if (begin < at) refuse(`lays "${name}" over the tensor before it (byte ${begin} < ${at}).`);
    if (begin > at) refuse(`leaves a gap of ${begin - at} bytes before "${name}".`);
    if (end > data.byteLength) {
      refuse(
        `is truncated: "${name}" ends at byte ${end} of the data, but there are ${data.byteLength}.`,
      );
    }
    tensors.set(name, tensorFromBytes(dtype, shape, data.subarray(begin, end)));
    at = end;
  }
  if (at !== data.byteLength) refuse(`has ${data.byteLength - at} bytes after its last tensor.`);
  return { tensors, metadata };
}

function parseHeader(bytes: Uint8Array, refuse: (what: string) => never): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return refuse('has a header that is no JSON.');
  }
  return isRecord(json) ? json : refuse('has a header that is no JSON object.');
}

export interface SafetensorsLayout {
  /** Length and JSON header: everything before the data. */
  head: Uint8Array;
  /** Where each tensor's bytes lie, from the start of the file, in file order. */
  spans: Map<string, { offset: number; length: number }>;
  totalBytes: number;
}

/**
 * Where everything goes: widest elements first, then by name, so that all are aligned and equal
 * contents give equal files whatever order they come in.
 */
export function layoutSafetensors(
  tensors: ReadonlyMap<string, Pick<Tensor, 'dtype' | 'dims'>>,
  metadata: Readonly<Record<string, string>> = {},
): SafetensorsLayout {
  const ordered = [...tensors].sort(
    ([a, x], [b, y]) => elementBytes(y.dtype) - elementBytes(x.dtype) || (a < b ? -1 : 1),
  );
  const entries: [string, unknown][] = [];
  const notes = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  if (notes.length > 0) entries.push(['__metadata__', Object.fromEntries(notes)]);
  const lengths = new Map<string, number>();
  let at = 0;
  for (const [name, { dtype, dims }] of ordered) {
    const length = sizeOf(dims) * elementBytes(dtype);
    entries.push([
      name,
      { dtype: tagOfDtype[dtype], shape: dims, data_offsets: [at, at + length] },
    ]);
    lengths.set(name, length);
    at += length;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const headerBytes = Math.ceil(json.byteLength / 8) * 8;
  const head = new Uint8Array(8 + headerBytes).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(headerBytes), true);
  head.set(json, 8);

  const spans = new Map<string, { offset: number; length: number }>();
  let offset = head.byteLength;
  for (const [name, length] of lengths) {
    spans.set(name, { offset, length });
    offset += length;
  }
  return { head, spans, totalBytes: offset };
}

/** The bytes of a safetensors file; equal tensors and metadata give equal bytes. */
export function serializeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const { head, spans, totalBytes } = layoutSafetensors(tensors, metadata);
  const bytes = new Uint8Array(totalBytes);
  bytes.set(head);
  for (const [name, { offset }] of spans) bytes.set(bytesOf(tensors.get(name) as Tensor), offset);
  return bytes;
}
