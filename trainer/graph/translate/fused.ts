/**
 * @file What ONNX Runtime's optimizer writes in place of several standard nodes (com.microsoft), as
 * those nodes. Source: microsoft/onnxruntime (docs/ContribOperators.md).
 */
import type { Value } from '../builder';
import type { Scope, Translation } from './scope';

/** Swaps the last two axes. */
function turned(s: Scope, value: Value): Value {
  const rank = s.b.dims(value).length;
  if (rank < 2) return value;
  const perm = Array.from({ length: rank }, (_, i) => i);
  perm.push(...(perm.splice(-2).reverse() as [number, number]));
  return s.b.transpose(value, perm);
}

const fusedMatMul: Translation = (s) => {
  if (s.int('transBatchA', 0) || s.int('transBatchB', 0)) s.fail('it turns its batch axes');
  const a = s.int('transA', 0) ? turned(s, s.x(0)) : s.x(0);
  const c = s.int('transB', 0) ? turned(s, s.x(1)) : s.x(1);
  return [s.b.scale(s.b.matmul(a, c), s.float('alpha', 1))];
};

const activationAttributes = ['activation', 'activation_params', 'activation_alpha'];

/** The activation that a fused node ends with. */
function activated(s: Scope, y: Value): Value {
  const name = s.text('activation', '');
  const parameters = s.node.attributes.activation_params;
  const [first = 0, second = 0] = parameters?.kind === 'floats' ? parameters.value : [];
  switch (name) {
    case '':
      return y;
    case 'Relu':
    case 'Sigmoid':
    case 'Tanh':
      return s.op(name, [y]);
    case 'LeakyRelu':
      return s.op(name, [y], { alpha: first || s.float('activation_alpha', 0.01) });
    case 'Clip':
      return s.op(name, [y, s.scalar(first), s.scalar(second)]);
    case 'HardSigmoid': {
      const line = s.b.add(s.b.scale(y, first), s.scalar(second));
      return s.op('Clip', [line, s.scalar(0), s.scalar(1)]);
    }
    default:
      return s.fail(`it ends with ${name}`);
  }
}

/** A standard node, then an activation; a convolution may also add a tensor in between. */
const fused =
  (op: string): Translation =>
  (s) => {
    const outputs = [s.b.fresh(op)];
    const attributes = s.attributesWithout(...activationAttributes);
    const inputs = s.node.inputs.slice(0, 3);
    const [y] = s.as({ op, inputs, outputs, attributes }) as [Value];
    return [activated(s, op === 'Conv' && s.has(3) ? s.b.add(y, s.x(3)) : y)];
  };

/** Images with channels last; so are the weights [out, …kernel, in]. */
const channelsLastConv: Translation = (s) => {
  const { b } = s;
  const rank = s.dims(0).length;
  const spatial = Array.from({ length: rank - 2 }, (_, i) => i);
  const first = (value: Value) => b.transpose(value, [0, rank - 1, ...spatial.map((i) => i + 1)]);
  const last = (value: Value) => b.transpose(value, [0, ...spatial.map((i) => i + 2), 1]);
  const outputs = [b.fresh('Conv')];
  const attributes = s.attributesWithout(...activationAttributes);
  const inputs = [first(s.x(0)), first(s.x(1)), ...(s.has(2) ? [s.x(2)] : [])];
  const [y] = s.as({ op: 'Conv', inputs, outputs, attributes }) as [Value];
  const sum = s.has(3) ? b.add(y, first(s.x(3))) : y;
  return [last(activated(s, sum))];
};

/** Softmax of x and a bias that broadcasts, over everything from `axis` on. */
const biasSoftmax: Translation = (s) => {
  const sum = s.b.add(s.x(0), s.x(1));
  if (s.axis('axis', 1) !== s.dims(0).length - 1) s.fail('its softmax is over several axes');
  return [s.op('Softmax', [sum], { axis: -1 })];
};

export const fusedProducts: Record<string, Translation> = {
  FusedMatMul: fusedMatMul,
  TransposeMatMul: fusedMatMul,
  FusedConv: fused('Conv'),
  FusedGemm: fused('Gemm'),
  NhwcConv: channelsLastConv,
  NhwcFusedConv: channelsLastConv,
  BiasSoftmax: biasSoftmax,
};
