/** @file Graphs as plain data, in whatever operator set a test needs. */
import type { Attribute, Graph, Node, Port } from '@/trainer/graph/model';
import type { Tensor } from '@/trainer/graph/tensor';

type Plain = number | string | readonly number[] | Tensor | Attribute;

/** A node; whole numbers are int attributes, others, and those called so, floats. */
export function nodeOf(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, Plain>> = {},
  domain = '',
): Node {
  const name = `/${outputs[0]}/${op}`;
  const own = Object.entries(attributes).map(([key, value]) => [key, attributeOf(key, value)]);
  return {
    name,
    op,
    domain,
    inputs: [...inputs],
    outputs: [...outputs],
    attributes: Object.fromEntries(own),
  };
}

const floats =
  /^(alpha|beta|gamma|epsilon|scale|softcap|cubic_coeff_a|bias|lambd|ratio|activation_alpha)$/;

function attributeOf(key: string, value: Plain): Attribute {
  if (typeof value === 'number') {
    const whole = Number.isInteger(value) && !floats.test(key);
    return { kind: whole ? 'int' : 'float', value };
  }
  if (typeof value === 'string') return { kind: 'string', value };
  if (Array.isArray(value)) return { kind: 'ints', value };
  if ('dims' in value) return { kind: 'tensor', value };
  return value as Attribute;
}

/** A graph; its outputs' types are left to whoever runs it. */
export function graphOf(
  opset: number,
  inputs: readonly Port[],
  nodes: readonly Node[],
  outputs: readonly (string | Port)[],
  constants: Readonly<Record<string, Tensor>> = {},
): Graph {
  return {
    name: 'test',
    source: 'test.onnx',
    irVersion: opset < 15 ? 7 : opset < 19 ? 8 : 10,
    opsets: { '': opset, 'com.microsoft': 1 },
    inputs: [...inputs],
    outputs: outputs.map((port) =>
      typeof port === 'string' ? { name: port, dtype: 'float32', dims: [] } : port,
    ),
    nodes: [...nodes],
    constants: new Map(Object.entries(constants)),
  };
}
