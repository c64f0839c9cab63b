/** @file ONNX bytes in, Graph out. Refuses what it cannot hold, with the file, the node and the remedy. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type Attribute,
  type Constant,
  type Graph,
  GraphError,
  isExternal,
  type Node,
  type Port,
} from '../model';
import { type Dtype, formatDims, sizeOf, type Tensor, tensor, tensorFromBytes } from '../tensor';
import { dtypeOf } from './dtypes';
import { decode, encode, type Message } from './messages';

const attributeType = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7, strings: 8 };

/** Reads a model file; external data stays outside until `loadExternal`. @throws GraphError */
export async function readOnnxFile(path: string): Promise<Graph> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new GraphError(
      `Cannot read ${path}: ${(cause as Error).message}. Give the path of an ONNX file.`,
    );
  }
  return parseOnnx(bytes, path);
}

/** Parses a serialized ModelProto. `source` is named in errors. @throws GraphError */
export function parseOnnx(bytes: Uint8Array, source: string): Graph {
  let model: Message;
  try {
    model = decode('Model', bytes);
  } catch (cause) {
    throw new GraphError(
      `${source} is not a complete ONNX model (${(cause as Error).message}): the file is truncated or corrupt. Export or download it again.`,
    );
  }
  const graph = model.graph as Message | undefined;
  if (!graph) {
    throw new GraphError(
      `${source} holds no ONNX graph. Give a model.onnx, not its external data or another file.`,
    );
  }
  const parsed: Graph = {
    name: (graph.name as string) ?? '',
    source,
    irVersion: Number(model.irVersion ?? 8),
    opsets: Object.fromEntries(
      (model.opsets as Message[]).map((set) => [(set.domain as string) ?? '', Number(set.version)]),
    ),
    inputs: [],
    outputs: [],
    nodes: (graph.nodes as Message[]).map((node) => readNode(node, source)),
    constants: new Map(),
    unknown: { model: model.unknown, graph: graph.unknown },
  };
  for (const initializer of graph.initializers as Message[]) {
    const name = initializer.name as string;
    parsed.constants.set(name, readConstant(initializer, `${source}, initializer "${name}"`));
  }
  // Old exporters list every initializer as an input too: it is a constant all the same.
  parsed.inputs = (graph.inputs as Message[])
    .map((port) => readPort(port, source))
    .filter((port) => !parsed.constants.has(port.name));
  parsed.outputs = (graph.outputs as Message[]).map((port) => readPort(port, source));
  checkNames(parsed);
  return parsed;
}

/** The data of a constant, read from the file beside the model where it is external. @throws GraphError */
export async function loadConstant(
  constant: Constant,
  graph: Graph,
  name: string,
): Promise<Tensor> {
  if (!isExternal(constant)) return constant;
  const { location, offset, length } = constant.external;
  const path = join(dirname(graph.source), location);
  const { open } = await import('node:fs/promises');
  const file = await open(path).catch((cause: Error) => {
    throw new GraphError(
      `${graph.source}, initializer "${name}": its data file ${path} cannot be opened (${cause.message}). Put it beside the model.`,
    );
  });
  try {
    const bytes = new Uint8Array(length);
    const { bytesRead } = await file.read(bytes, 0, length, offset);
    if (bytesRead !== length) {
      throw new GraphError(
        `${graph.source}, initializer "${name}": ${path} ends after ${offset + bytesRead} bytes where ${offset + length} are needed. The file is truncated: fetch it again.`,
      );
    }
    return tensorFromBytes(constant.dtype, constant.dims, bytes);
  } finally {
    await file.close();
  }
}

/** The graph with all its constants in memory: for graphs that are made of several files, or whose weights are read. */
export async function withConstantsInMemory(graph: Graph): Promise<Graph> {
  const constants: Graph['constants'] = new Map();
  for (const [name, constant] of graph.constants) {
    constants.set(name, await loadConstant(constant, graph, name));
  }
  return { ...graph, constants };
}

function readPort(port: Message, source: string): Port {
  const name = port.name as string;
  const type = (port.type as Message | undefined)?.tensor as Message | undefined;
  const dtype = dtypeOf(Number(type?.elemType ?? 0));
  if (!type || !dtype) {
    throw new GraphError(
      `${source}, port "${name}" is not a tensor of a known type. Only tensors may enter and leave a graph.`,
    );
  }
  const dims = (((type.shape as Message | undefined)?.dims ?? []) as Message[]).map((dim) =>
    dim.value === undefined ? ((dim.param as string) ?? '') : Number(dim.value),
  );
  return { name, dtype, dims };
}

function readNode(message: Message, source: string): Node {
  const node: Node = {
    name: (message.name as string) ?? '',
    op: (message.op as string) ?? '',
    domain: (message.domain as string) ?? '',
    inputs: message.inputs as string[],
    outputs: message.outputs as string[],
    attributes: {},
    ...(message.unknown ? { unknown: message.unknown } : {}),
  };
  if (node.domain === 'ai.onnx') node.domain = '';
  for (const attribute of message.attributes as Message[]) {
    const name = attribute.name as string;
    node.attributes[name] = readAttribute(attribute, `${source}, node "${node.name}" (${node.op})`);
  }
  return node;
}

const utf8 = new TextDecoder();

function readAttribute(attribute: Message, where: string): Attribute {
  switch (Number(attribute.type ?? 0)) {
    case attributeType.float:
      return { kind: 'float', value: Number(attribute.f ?? 0) };
    case attributeType.int:
      return { kind: 'int', value: Number(attribute.i ?? 0) };
    case attributeType.string:
      return {
        kind: 'string',
        value: utf8.decode((attribute.s as Uint8Array) ?? new Uint8Array()),
      };
    case attributeType.tensor: {
      const value = readConstant(attribute.t as Message, `${where}, attribute "${attribute.name}"`);
      if (isExternal(value)) return { kind: 'raw', value: encode('Attribute', attribute) };
      return { kind: 'tensor', value };
    }
    case attributeType.floats:
      return { kind: 'floats', value: (attribute.floats as number[]).map(Number) };
    case attributeType.ints:
      return { kind: 'ints', value: (attribute.ints as number[]).map(Number) };
    case attributeType.strings:
      return {
        kind: 'strings',
        value: (attribute.strings as Uint8Array[]).map((s) => utf8.decode(s)),
      };
    default:
      return { kind: 'raw', value: encode('Attribute', attribute) };
  }
}

function readConstant(message: Message, where: string): Constant {
  const dims = (message.dims as number[]).map(Number);
  const dtype = dtypeOf(Number(message.dataType ?? 0));
  if (!dtype) {
    throw new GraphError(
      `${where} has element type ${message.dataType}, which Darkroom does not hold. Export the model in float32 or float16.`,
    );
  }
  const entries = Object.fromEntries(
    (message.externalData as Message[]).map((entry) => [
      entry.key as string,
      entry.value as string,
    ]),
  );
  if (Number(message.dataLocation ?? 0) === 1) {
    if (!entries.location) {
      throw new GraphError(`${where} is external but names no file. Export the model again.`);
    }
    const offset = Number(entries.offset ?? 0);
    const length = Number(entries.length ?? Number.NaN);
    return {
      dtype,
      dims,
      external: { location: entries.location, offset, length: lengthOf(length, dtype, dims) },
    };
  }
  try {
    return readInline(message, dtype, dims);
  } catch (cause) {
    throw new GraphError(
      `${where} of shape ${formatDims(dims)} does not hold what it declares (${(cause as Error).message}) The file is corrupt: export or download it again.`,
    );
  }
}

function lengthOf(declared: number, dtype: Dtype, dims: readonly number[]): number {
  if (Number.isFinite(declared)) return declared;
  const width = {
    float32: 4,
    float16: 2,
    bfloat16: 2,
    float64: 8,
    int64: 8,
    uint64: 8,
    int32: 4,
    uint32: 4,
    int16: 2,
    uint16: 2,
    int8: 1,
    uint8: 1,
    bool: 1,
  };
  return sizeOf(dims) * width[dtype];
}

function readInline(message: Message, dtype: Dtype, dims: number[]): Tensor {
  const raw = message.rawData as Uint8Array | undefined;
  if (raw && raw.length > 0) return tensorFromBytes(dtype, dims, raw);
  const floats = message.floatData as number[];
  const ints = message.int32Data as number[];
  const longs = message.int64Data as (number | bigint)[];
  const doubles = message.doubleData as number[];
  if (dtype === 'float32') return tensor(dtype, dims, Float32Array.from(floats));
  if (dtype === 'float64') return tensor(dtype, dims, Float64Array.from(doubles));
  if (dtype === 'int64') return tensor(dtype, dims, BigInt64Array.from(longs, BigInt));
  if (dtype === 'int32') return tensor(dtype, dims, Int32Array.from(ints));
  if (dtype === 'int16') return tensor(dtype, dims, Int16Array.from(ints));
  if (dtype === 'int8') return tensor(dtype, dims, Int8Array.from(ints));
  if (dtype === 'uint16') return tensor(dtype, dims, Uint16Array.from(ints));
  if (dtype === 'float16' || dtype === 'bfloat16')
    return tensor(dtype, dims, Uint16Array.from(ints));
  if (dtype === 'uint8' || dtype === 'bool') return tensor(dtype, dims, Uint8Array.from(ints));
  throw new RangeError(`its ${dtype} values are missing.`);
}

function checkNames(graph: Graph): void {
  const defined = new Set<string>(graph.constants.keys());
  for (const input of graph.inputs) defined.add(input.name);
  for (const node of graph.nodes) {
    for (const input of node.inputs) {
      if (input && !defined.has(input)) {
        throw new GraphError(
          `${graph.source}, node "${node.name}" (${node.op}) reads "${input}", which nothing before it defines. The file is corrupt: export it again.`,
        );
      }
    }
    for (const output of node.outputs) defined.add(output);
  }
  for (const output of graph.outputs) {
    if (!defined.has(output.name)) {
      throw new GraphError(
        `${graph.source} promises output "${output.name}", which no node makes. The file is corrupt: export it again.`,
      );
    }
  }
}
