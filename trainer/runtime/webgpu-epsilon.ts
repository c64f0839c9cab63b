/**
 * @file A defect of ONNX Runtime 1.30 on WebGPU, and the way around it. It compiles
 * InstanceNormalization's epsilon into the shader but looks shaders up without it: the first
 * epsilon that a process uses holds for all. A Stable Diffusion UNet has two (1e-5 and 1e-6), so
 * some of its normalizations would be quietly wrong.
 */
import { fromFloat32 } from '@/trainer/graph/float16';
import { floatAttr, type Graph, type Node } from '@/trainer/graph/model';
import { parseOnnx } from '@/trainer/graph/onnx/read';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import type { Dtype } from '@/trainer/graph/tensor';

/** No common epsilon is smaller, so inputs are scaled down and never towards float16's overflow. */
const commonEpsilon = Math.fround(1e-6);

/**
 * The model with one epsilon in every InstanceNormalization: to normalize s·x with ε₀ is to
 * normalize x with ε₀/s², so an input is scaled by s = √(ε₀/ε). `source` is the name for errors.
 */
export function withCommonEpsilon(model: Uint8Array, source: string): Uint8Array {
  const graph = parseOnnx(model, source);
  if (!graph.nodes.some(differs)) return model;
  graph.nodes = graph.nodes.flatMap((node) =>
    differs(node) ? withScaledInput(graph, node) : [node],
  );
  return serializeOnnx(graph);
}

function differs(node: Node): boolean {
  return (
    node.op === 'InstanceNormalization' && node.domain === '' && epsilonOf(node) !== commonEpsilon
  );
}

function epsilonOf(node: Node): number {
  return Math.fround(floatAttr(node, 'epsilon', 1e-5));
}

function withScaledInput(graph: Graph, node: Node): Node[] {
  const [x = '', ...parameters] = node.inputs;
  const scaled = `${node.outputs[0]} scaled input`;
  const factor = `${node.outputs[0]} input scale`;
  const value = Math.sqrt(commonEpsilon / epsilonOf(node));
  const dtype = dtypeOf(graph, parameters[0] ?? '');
  graph.constants.set(factor, fromFloat32(dtype, [], Float32Array.of(value)));
  return [
    { name: scaled, op: 'Mul', domain: '', inputs: [x, factor], outputs: [scaled], attributes: {} },
    {
      ...node,
      inputs: [scaled, ...parameters],
      attributes: { ...node.attributes, epsilon: { kind: 'float', value: commonEpsilon } },
    },
  ];
}

/**
 * The type of the normalization's scale, which is a constant in every export, and so its input's
 * type too.
 */
function dtypeOf(graph: Graph, name: string): Dtype {
  const constant = graph.constants.get(name);
  if (constant) return constant.dtype;
  const value = graph.nodes.find((node) => node.outputs.includes(name))?.attributes.value;
  return value?.kind === 'tensor' ? value.value.dtype : 'float32';
}
