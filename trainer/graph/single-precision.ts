/**
 * @file A graph in half precision, made to compute in float32: what training does on every device,
 * for a gradient of ten thousand small terms does not survive 11 bits. Weights stay as they are
 * stored and are cast where they are used.
 */
import { toFloat32 } from './float16';
import {
  type Attribute,
  type Constant,
  type Graph,
  isExternal,
  type Node,
  type Port,
} from './model';
import { dtypeNumber } from './onnx/dtypes';
import { type Dtype, float32, type Tensor } from './tensor';

const halves: readonly Dtype[] = ['float16', 'bfloat16'];
const isHalf = (dtype: Dtype) => halves.includes(dtype);
const halfNumbers = halves.map(dtypeNumber);

/**
 * The same network with float32 ports and float32 inside; a graph without half precision comes back
 * as it is.
 */
export function inSinglePrecision(graph: Graph): Graph {
  const ports = [...graph.inputs, ...graph.outputs].map(({ dtype }) => dtype);
  const stored = [...graph.constants.values()].map(({ dtype }) => dtype);
  if (![...ports, ...stored].some(isHalf)) return graph;

  const constants = new Map<string, Constant>();
  const casts: Node[] = [];
  const renamed = new Map<string, string>();
  for (const [name, constant] of graph.constants) {
    if (!isHalf(constant.dtype)) constants.set(name, constant);
    else if (!isExternal(constant)) constants.set(name, widened(constant));
    else {
      constants.set(name, constant);
      renamed.set(name, `${name} in float32`);
      casts.push(castNode(name, `${name} in float32`));
    }
  }
  const nodes = graph.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((name) => renamed.get(name) ?? name),
    attributes: Object.fromEntries(
      Object.entries(node.attributes).map(([key, value]) => [key, widenedAttribute(key, value)]),
    ),
  }));
  return {
    ...graph,
    inputs: graph.inputs.map(widenedPort),
    outputs: graph.outputs.map(widenedPort),
    nodes: [...casts, ...nodes],
    constants,
  };
}

function widened(value: Tensor): Tensor {
  return float32(value.dims, toFloat32(value));
}

function widenedPort(port: Port): Port {
  return isHalf(port.dtype) ? { ...port, dtype: 'float32' } : port;
}

/**
 * `to` of Cast and `dtype` of the random operators name an element type; Constant and
 * ConstantOfShape hold a tensor.
 */
function widenedAttribute(key: string, attribute: Attribute): Attribute {
  const namesType = attribute.kind === 'int' && (key === 'to' || key === 'dtype');
  if (namesType && halfNumbers.includes(attribute.value)) {
    return { kind: 'int', value: dtypeNumber('float32') };
  }
  if (attribute.kind !== 'tensor' || !isHalf(attribute.value.dtype)) return attribute;
  return { kind: 'tensor', value: widened(attribute.value) };
}

function castNode(input: string, output: string): Node {
  const to = { kind: 'int', value: dtypeNumber('float32') } as const;
  return {
    name: output,
    op: 'Cast',
    domain: '',
    inputs: [input],
    outputs: [output],
    attributes: { to },
  };
}
