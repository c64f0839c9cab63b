/**
 * @file Defects of ONNX Runtime 1.30 on WebGPU, and the ways around them.
 *
 * It compiles InstanceNormalization's epsilon into the shader but looks shaders up without it: the
 * first epsilon that a process uses holds for all. A Stable Diffusion UNet has two (1e-5 and 1e-6),
 * so some of its normalizations would be quietly wrong.
 *
 * MultiHeadAttention of several dozen queries is off by hundredths where the head size is a
 * multiple of four (by a software driver; 64 queries of size 8: 0.05), though right within 1e-6
 * elsewhere.
 */
import { fromFloat32 } from '@/trainer/graph/float16';
import { floatAttr, type Graph, type Node } from '@/trainer/graph/model';
import { parseOnnx } from '@/trainer/graph/onnx/read';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { type Dtype, float32 } from '@/trainer/graph/tensor';

/** No common epsilon is smaller, so inputs are scaled down and never towards float16's overflow. */
const commonEpsilon = Math.fround(1e-6);

/** The model as WebGPU computes it rightly. @param source names it in errors */
export function asWebgpuComputes(model: Uint8Array, source: string): Uint8Array {
  const graph = parseOnnx(model, source);
  if (!graph.nodes.some((node) => differs(node) || isFused(node))) return model;
  graph.nodes = graph.nodes.flatMap((node) => {
    if (isFused(node)) return spelledOut(graph, node);
    return differs(node) ? withScaledInput(graph, node) : [node];
  });
  return serializeOnnx(graph);
}

/** As `trainer/graph/attention/fuse.ts` makes it: of one head, without a mask, in float32. */
function isFused({ op, domain, inputs, attributes: { num_heads: heads, scale } }: Node): boolean {
  const ofOneHead = heads?.kind === 'int' && heads.value === 1;
  return (
    op === 'MultiHeadAttention' && domain !== '' && inputs.length === 3 && ofOneHead && !!scale
  );
}

/** softmax(scale·q·kᵀ)·v by standard operators. */
function spelledOut(graph: Graph, { name, inputs, outputs, ...node }: Node): Node[] {
  const [q = '', k = '', v = ''] = inputs;
  const [output = ''] = outputs;
  const at = (part: string) => `${output} ${part}`;
  const scale = floatAttr({ name, inputs, outputs, ...node }, 'scale', 1);
  graph.constants.set(at('scale'), float32([], [scale]));
  const made = (op: string, from: string[], to: string, attributes: Node['attributes'] = {}) => ({
    name: `${name}/${op}`,
    op,
    domain: '',
    inputs: from,
    outputs: [to],
    attributes,
  });
  return [
    made('Mul', [q, at('scale')], at('q')),
    made('Transpose', [k], at('k'), { perm: { kind: 'ints', value: [0, 2, 1] } }),
    made('MatMul', [at('q'), at('k')], at('scores')),
    made('Softmax', [at('scores')], at('shares'), { axis: { kind: 'int', value: -1 } }),
    { ...made('MatMul', [at('shares'), v], output), name },
  ];
}

/**
 * Whether a normalization has another epsilon than all have in the end. With one in every
 * InstanceNormalization the input is scaled: to normalize s·x with ε₀ is to normalize x with ε₀/s²,
 * so s = √(ε₀/ε).
 */
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
