/**
 * @file ONNX bytes in, Graph out. Refuses what it cannot hold, with the file, the node and the
 * remedy.
 */
import { type FileHandle, open, readFile, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, resolve, sep } from 'node:path';
import {
  type Attribute,
  type Constant,
  coreOpset,
  type ExternalTensor,
  type Graph,
  GraphError,
  isExternal,
  type Node,
  type Port,
  place,
} from '../model';
import { numbersOf, stridesOf, tensorOf } from '../numbers';
import {
  type Dtype,
  elementBytes,
  formatDims,
  sizeOf,
  type Tensor,
  tensor,
  tensorFromBytes,
} from '../tensor';
import { dtypeOf } from './dtypes';
import { decode, encode, type Message } from './messages';

const attributeType = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7, strings: 8 };

/** Operator sets whose changes are known here. */
const readOpsets = { oldest: 11, newest: 26 };

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
  const opsets = opsetsOf(model.opsets as Message[], source);
  const parsed = readGraph(graph, source, opsets);
  parsed.irVersion = Number(model.irVersion ?? 8);
  parsed.unknown = { ...parsed.unknown, model: model.unknown };
  checkNames(parsed);
  return parsed;
}

/** Versions of operator sets by domain. @throws GraphError for one that nobody here has read of */
function opsetsOf(sets: readonly Message[], source: string): Graph['opsets'] {
  const opsets = Object.fromEntries(
    sets.map(({ domain = '', version }) => [
      domain === 'ai.onnx' ? '' : (domain as string),
      Number(version),
    ]),
  );
  const opset = opsets[''] ?? coreOpset;
  if (opset < readOpsets.oldest || opset > readOpsets.newest) {
    throw new GraphError(
      `${source} is written in opset ${opset}; opsets ${readOpsets.oldest} to ${readOpsets.newest} are read. Export it with opset ${coreOpset}.`,
    );
  }
  return opsets;
}

/** The body of a branch or a loop. @param attribute holds it */
export function subgraphOf(
  graph: Pick<Graph, 'source' | 'opsets'>,
  node: Node,
  attribute: string,
): Graph {
  const held = node.attributes[attribute];
  const body = held?.kind === 'raw' ? decode('Attribute', held.value).g : undefined;
  if (!body) {
    throw new GraphError(
      `${place(graph, node)} lacks its ${attribute}. The file is corrupt: export it again.`,
    );
  }
  return readGraph(decode('Graph', body as Uint8Array), graph.source, graph.opsets);
}

/** A function that a model brings: an operator of its own, written in others. */
export interface GraphFunction {
  inputs: readonly string[];
  outputs: readonly string[];
  /** Its nodes, with the attributes that a call hands on. */
  boundTo: (call: Node) => Pick<Graph, 'nodes' | 'opsets'>;
}

/** The functions of a model by `domain:name`. */
export function functionsOf({
  unknown,
  source,
}: Pick<Graph, 'unknown' | 'source'>): Map<string, GraphFunction> {
  if (!unknown?.model) return new Map();
  const { functions } = decode('Functions', unknown.model);
  return new Map(
    (functions as Message[]).map((message) => [
      `${message.domain ?? ''}:${message.name}`,
      {
        inputs: message.inputs as string[],
        outputs: message.outputs as string[],
        boundTo: (call) => ({
          nodes: (message.nodes as Message[]).map((node) => boundNode(node, message, call, source)),
          opsets: opsetsOf(message.opsets as Message[], source),
        }),
      },
    ]),
  );
}

/** A node of a function, attributes it takes from the call, or from the defaults, filled in. */
function boundNode(message: Message, owner: Message, call: Node, source: string): Node {
  const attributes = message.attributes as Message[];
  const own = attributes.filter(({ refersTo }) => !refersTo);
  const node = readNode({ ...message, attributes: own }, source);
  for (const { name, refersTo } of attributes) {
    if (!refersTo) continue;
    const usual = (owner.defaults as Message[]).find((given) => given.name === refersTo);
    const value =
      call.attributes[refersTo as string] ??
      (usual && readAttribute(usual, place({ source }, call)));
    if (value) node.attributes[name as string] = value;
  }
  return node;
}

function readGraph(graph: Message, source: string, opsets: Graph['opsets']): Graph {
  const parsed: Graph = {
    name: (graph.name as string) ?? '',
    source,
    irVersion: 8,
    opsets,
    inputs: [],
    outputs: [],
    nodes: [],
    constants: new Map(),
    unknown: { graph: graph.unknown },
  };
  for (const message of graph.nodes as Message[]) {
    // Exporters put the data of nodes aside, too; what such a node gives is a constant like any
    // other.
    const constant = externalConstant(message, source);
    if (constant) parsed.constants.set((message.outputs as string[])[0]!, constant);
    else parsed.nodes.push(readNode(message, source));
  }
  for (const initializer of graph.initializers as Message[]) {
    const name = initializer.name as string;
    parsed.constants.set(name, readConstant(initializer, `${source}, initializer "${name}"`));
  }
  for (const sparse of graph.sparse as Message[]) {
    const name = (sparse.values as Message).name as string;
    parsed.constants.set(name, readSparse(sparse, `${source}, initializer "${name}"`));
  }
  // Old exporters list every initializer as an input too: it is a constant all the same.
  parsed.inputs = (graph.inputs as Message[])
    .map((port) => readPort(port, source))
    .filter((port) => !parsed.constants.has(port.name));
  parsed.outputs = (graph.outputs as Message[]).map((port) => readPort(port, source));
  return parsed;
}

/**
 * The data of a constant, read from the file beside the model where it is external. @throws
 * GraphError
 */
export async function loadConstant(
  constant: Constant,
  graph: Graph,
  name: string,
): Promise<Tensor> {
  if (!isExternal(constant)) return constant;
  const { offset, length } = constant.external;
  return withDataFile(constant, graph, name, async (file) => {
    const bytes = new Uint8Array(length);
    await file.read(bytes, 0, length, offset);
    return tensorFromBytes(constant.dtype, constant.dims, bytes);
  });
}

/** Where an external constant's data lies. */
export function dataPath({ external }: ExternalTensor, graph: Graph): string {
  return resolve(graph.dataFolder ?? dirname(graph.source), external.location);
}

/**
 * Opens the file of an external constant for as long as `use` takes.
 * @throws GraphError where it is missing, or ends before the constant's data do
 */
export async function withDataFile<Result>(
  constant: ExternalTensor,
  graph: Graph,
  name: string,
  use: (file: FileHandle) => Promise<Result>,
): Promise<Result> {
  const path = dataPath(constant, graph);
  const where = `${graph.source}, initializer "${name}"`;
  const file = await open(path).catch((cause: Error) => {
    throw new GraphError(
      `${where}: its data file ${path} cannot be opened (${cause.message}). Put it beside the model.`,
    );
  });
  try {
    await expectWithin(path, constant, graph, where);
    const { size } = await file.stat();
    const needed = constant.external.offset + constant.external.length;
    if (size < needed) {
      throw new GraphError(
        `${where}: ${path} ends after ${size} bytes where ${needed} are needed. The file is truncated: fetch it again.`,
      );
    }
    return await use(file);
  } finally {
    await file.close();
  }
}

/**
 * A link may lead to a store where the model's own file lies, too, as in Hugging Face's cache, but
 * nowhere else: a model that came from somebody has no business with other files of this machine.
 * What has an absolute path was looked at when it was located.
 */
async function expectWithin(
  path: string,
  { external }: ExternalTensor,
  graph: Graph,
  where: string,
): Promise<void> {
  if (graph.dataFolder !== undefined || isAbsolute(external.location)) return;
  const folder = dirname(graph.source);
  const [data, ...allowed] = await Promise.all([
    realpath(path),
    realpath(folder),
    realpath(graph.source).then(dirname, () => folder),
  ]);
  if (allowed.some((root) => data!.startsWith(root.endsWith(sep) ? root : root + sep))) return;
  throw new GraphError(
    `${where}: its data file ${path} is a link to ${data}, outside the model's folder. Put the data itself beside the model.`,
  );
}

/**
 * The graph with all its constants in memory: for graphs that are made of several files, or whose
 * weights are read.
 */
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
    // What is stored sparsely is a tensor like any other.
    const name = attribute.sparse ? 'value' : (attribute.name as string);
    node.attributes[name] = readAttribute(attribute, `${source}, node "${node.name}" (${node.op})`);
  }
  return node;
}

/** The value of a Constant node whose data lies in a file; undefined for any other node. */
function externalConstant(message: Message, source: string): Constant | undefined {
  if (message.op !== 'Constant') return undefined;
  const value = (message.attributes as Message[]).find(({ name }) => name === 'value')?.t;
  if (!value || Number((value as Message).dataLocation ?? 0) !== 1) return undefined;
  return readConstant(value as Message, `${source}, node "${message.name}" (Constant)`);
}

const utf8 = new TextDecoder();

function readAttribute(attribute: Message, where: string): Attribute {
  if (attribute.sparse)
    return { kind: 'tensor', value: readSparse(attribute.sparse as Message, where) };
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
    return { dtype, dims, external: externalOf(entries, dtype, dims, where) };
  }
  try {
    return readInline(message, dtype, dims);
  } catch (cause) {
    throw new GraphError(
      `${where} of shape ${formatDims(dims)} does not hold what it declares (${(cause as Error).message}) The file is corrupt: export or download it again.`,
    );
  }
}

/** A tensor of which only the values other than 0 are stored, by flat or by full index. */
function readSparse(message: Message, where: string): Tensor {
  const dims = (message.dims as number[]).map(Number);
  const [values, indices] = [message.values, message.indices].map((part) =>
    readConstant(part as Message, where),
  ) as [Constant, Constant];
  if (isExternal(values) || isExternal(indices)) {
    throw new GraphError(`${where} is sparse and external. Export the model with dense weights.`);
  }
  const dense = new Array<number>(sizeOf(dims)).fill(0);
  const strides = indices.dims.length === 2 ? stridesOf(dims) : [1];
  const places = numbersOf(indices);
  numbersOf(values).forEach((value, i) => {
    const at = strides.reduce(
      (sum, stride, axis) => sum + places[i * strides.length + axis]! * stride,
      0,
    );
    dense[at] = value;
  });
  return tensorOf(values.dtype, dims, dense);
}

/**
 * Where a constant's data lies, as the file says it: beside the model or below, and as much as the
 * shape takes.
 */
function externalOf(
  entries: Record<string, string>,
  dtype: Dtype,
  dims: readonly number[],
  where: string,
): ExternalTensor['external'] {
  const { location } = entries;
  if (!location) {
    throw new GraphError(`${where} is external but names no file. Export the model again.`);
  }
  // ONNX Runtime refuses these, too, but only where it loads the graph itself.
  if (/^([\\/]|[a-z]:)/i.test(location) || location.split(/[\\/]/).includes('..')) {
    throw new GraphError(
      `${where}: its data lies in "${location}", outside the model's folder. Put the data beside the model and export it so.`,
    );
  }
  const length = sizeOf(dims) * elementBytes(dtype);
  const offset = Number(entries.offset ?? 0);
  if (!Number.isSafeInteger(offset) || offset < 0 || Number(entries.length ?? length) !== length) {
    throw new GraphError(
      `${where} of shape ${formatDims(dims)} takes ${length} bytes, but is said to be ${entries.length ?? length} from ${entries.offset ?? 0} on. The file is corrupt: export or download it again.`,
    );
  }
  return { location, offset, length };
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
  const unsigned = message.uint64Data as (number | bigint)[];
  if (dtype === 'uint32') return tensor(dtype, dims, Uint32Array.from(unsigned, Number));
  if (dtype === 'uint64') return tensor(dtype, dims, BigUint64Array.from(unsigned, BigInt));
  if (dtype === 'uint8' || dtype === 'bool') return tensor(dtype, dims, Uint8Array.from(ints));
  return dtype satisfies never;
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
