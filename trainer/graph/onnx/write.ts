/** @file Graph in, ONNX bytes out. External constants keep pointing to their files. */
import {
  type Attribute,
  type Constant,
  type Graph,
  isExternal,
  type Node,
  type Port,
} from '../model';
import { bytesOf } from '../tensor';
import { dtypeNumber } from './dtypes';
import { decode, encode, type Message } from './messages';

/** Serializes a graph as a ModelProto. What the reader did not know is written back unchanged. */
export function serializeOnnx(graph: Graph): Uint8Array {
  return encode('Model', {
    irVersion: graph.irVersion,
    opsets: Object.entries(graph.opsets).map(([domain, version]) => ({ domain, version })),
    graph: {
      name: graph.name,
      nodes: graph.nodes.map(nodeMessage),
      initializers: [...graph.constants].map(([name, constant]) => constantMessage(constant, name)),
      inputs: graph.inputs.map(portMessage),
      outputs: graph.outputs.map(portMessage),
      valueInfo: [],
      sparse: [],
      unknown: graph.unknown?.graph,
    },
    unknown: graph.unknown?.model,
  });
}

function portMessage(port: Port): Message {
  const dims = port.dims.map((dim) => (typeof dim === 'number' ? { value: dim } : { param: dim }));
  return {
    name: port.name,
    type: { tensor: { elemType: dtypeNumber(port.dtype), shape: { dims } } },
  };
}

function nodeMessage(node: Node): Message {
  return {
    name: node.name || undefined,
    op: node.op,
    domain: node.domain || undefined,
    inputs: node.inputs,
    outputs: node.outputs,
    attributes: Object.entries(node.attributes).map(([name, value]) =>
      attributeMessage(name, value),
    ),
    unknown: node.unknown,
  };
}

const utf8 = new TextEncoder();

function attributeMessage(name: string, attribute: Attribute): Message {
  const base = { name, floats: [], ints: [], strings: [] };
  switch (attribute.kind) {
    case 'float':
      return { ...base, type: 1, f: attribute.value };
    case 'int':
      return { ...base, type: 2, i: attribute.value };
    case 'string':
      return { ...base, type: 3, s: utf8.encode(attribute.value) };
    case 'tensor':
      return { ...base, type: 4, t: constantMessage(attribute.value) };
    case 'floats':
      return { ...base, type: 6, floats: attribute.value };
    case 'ints':
      return { ...base, type: 7, ints: attribute.value };
    case 'strings':
      return { ...base, type: 8, strings: attribute.value.map((s) => utf8.encode(s)) };
    case 'raw':
      return decode('Attribute', attribute.value);
  }
}

function constantMessage(constant: Constant, name?: string): Message {
  const base = {
    name,
    dims: constant.dims as number[],
    dataType: dtypeNumber(constant.dtype),
    floatData: [],
    int32Data: [],
    int64Data: [],
    doubleData: [],
    uint64Data: [],
    externalData: [] as Message[],
  };
  if (!isExternal(constant)) return { ...base, rawData: bytesOf(constant) };
  const { location, offset, length } = constant.external;
  base.externalData = Object.entries({
    location,
    offset: String(offset),
    length: String(length),
  }).map(([key, value]) => ({ key, value }));
  return { ...base, dataLocation: 1 };
}
