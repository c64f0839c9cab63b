import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gradients } from '@/trainer/autodiff/gradients';
import { Builder, type Value } from '@/trainer/graph/builder';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, int64, sizeOf } from '@/trainer/graph/tensor';
import { Engine, outputOf } from '@/trainer/runtime/engine';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

/**
 * Compares the gradient of sum(w ∘ f(x)) with a central difference along a random direction. `f`
 * appends the function. Returns the relative disagreement.
 */
async function disagreement(
  dims: readonly number[],
  f: (b: Builder, x: Value) => Value,
  random: () => number,
): Promise<number> {
  const b = new Builder('difference');
  const x = b.input('x', 'float32', dims);
  const y = f(b, x);
  const w = b.input('w', 'float32', b.dims(y));
  const loss = b.reduceSum(
    b.mul(y, w),
    b.dims(y).map((_, i) => i),
    false,
  );
  b.output(loss, 'loss');
  b.output(gradients(b, { of: loss, wrt: [x] })[0]!, 'gradient');
  const weights = Float32Array.from({ length: sizeOf(b.dims(y)) }, random);
  const session = await engine.load(serializeOnnx(b.finish()), { name: 'difference' });
  const at = async (values: Float32Array) => {
    const out = await session.run({ x: float32(dims, values), w: float32(b.dims(w), weights) });
    return {
      loss: outputOf(out, 'loss', 'float32').data[0]!,
      gradient: outputOf(out, 'gradient', 'float32').data,
    };
  };
  const point = Float32Array.from({ length: sizeOf(dims) }, random);
  const direction = Float32Array.from({ length: sizeOf(dims) }, random);
  const h = 1e-2;
  const move = (sign: number) => point.map((value, i) => value + sign * h * direction[i]!);
  const [ahead, behind, here] = [await at(move(1)), await at(move(-1)), await at(point)];
  await session.release();
  const measured = (ahead.loss - behind.loss) / (2 * h);
  const claimed = here.gradient.reduce((sum, g, i) => sum + g * direction[i]!, 0);
  return Math.abs(measured - claimed) / (Math.abs(measured) + Math.abs(claimed) + 1e-3);
}

function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32) * 2 - 1;
  };
}

/** Operators and forms that the reference numbers do not have. */
const forms: [string, readonly number[], (b: Builder, x: Value) => Value][] = [
  ['SpaceToDepth', [1, 2, 4, 4], (b, x) => b.op('SpaceToDepth', [x], { blocksize: 2 })],
  [
    'DepthToSpace, columns first',
    [1, 8, 2, 2],
    (b, x) => b.op('DepthToSpace', [x], { blocksize: 2, mode: 'CRD' }),
  ],
  [
    'GatherElements',
    [2, 3],
    (b, x) => b.op('GatherElements', [x, b.tensor(int64([2, 2], [0, 2, 1, 1]))], { axis: 1 }),
  ],
  ['GatherND', [3, 4], (b, x) => b.op('GatherND', [x, b.tensor(int64([2, 2], [0, 1, 2, 3]))])],
  [
    'Pad edge',
    [1, 1, 3, 3],
    (b, x) => b.op('Pad', [x, b.ints([0, 0, 1, 2, 0, 0, 0, 1])], { mode: 'edge' }),
  ],
  ['ReduceSumSquare', [2, 3, 4], (b, x) => b.op('ReduceSumSquare', [x, b.ints([1])])],
  ['ReduceMin', [2, 5], (b, x) => b.op('ReduceMin', [x, b.ints([1])])],
  [
    'LayerNormalization over two axes',
    [2, 3, 4],
    (b, x) =>
      b.op(
        'LayerNormalization',
        [
          x,
          b.tensor(
            float32(
              [3, 4],
              Array.from({ length: 12 }, (_, i) => i / 6),
            ),
          ),
        ],
        { axis: 1 },
      ),
  ],
  [
    'InstanceNormalization with scale',
    [2, 2, 5],
    (b, x) =>
      b.op('InstanceNormalization', [
        x,
        b.tensor(float32([2], [0.5, 2])),
        b.tensor(float32([2], [0, 1])),
      ]),
  ],
  [
    'Conv, stride 2 with uneven pads',
    [1, 2, 6, 5],
    (b, x) =>
      b.op(
        'Conv',
        [
          x,
          b.tensor(
            float32(
              [3, 2, 3, 3],
              Array.from({ length: 54 }, (_, i) => Math.sin(i)),
            ),
          ),
        ],
        { kernel_shape: [3, 3], strides: [2, 2], pads: [0, 1, 1, 0] },
      ),
  ],
  [
    'ConvTranspose with output padding',
    [1, 2, 3, 3],
    (b, x) =>
      b.op(
        'ConvTranspose',
        [
          x,
          b.tensor(
            float32(
              [2, 2, 3, 3],
              Array.from({ length: 36 }, (_, i) => Math.cos(i)),
            ),
          ),
        ],
        { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] },
      ),
  ],
  [
    'Einsum over a summed letter',
    [2, 3, 4],
    (b, x) => b.op('Einsum', [x], { equation: 'bij->bi' }),
  ],
];

/** What exporters spell out in several nodes; their gradients take fewer. */
const spelledOut: [string, (b: Builder, x: Value) => Value][] = [
  ['SiLU', (b, x) => b.mul(x, b.op('Sigmoid', [x]))],
  ['SiLU, gate first', (b, x) => b.mul(b.op('Sigmoid', [x]), x)],
  [
    'GELU',
    (b, x) => {
      const erf = b.op('Erf', [b.op('Div', [x, b.scalar(Math.SQRT2)])]);
      return b.scale(b.mul(x, b.add(erf, b.scalar(1))), 0.5);
    },
  ],
  [
    'attention',
    (b, x) => {
      const heads = b.transpose(b.reshape(x, [2, 3, 2, 2]), [0, 2, 1, 3]);
      const scores = b.matmul(heads, b.transpose(heads, [0, 1, 3, 2]));
      return b.matmul(b.op('Softmax', [scores], { axis: -1 }), heads);
    },
  ],
];

describe('gradients equal finite differences', () => {
  it.each(forms)('of %s', async (_, dims, f) => {
    expect(await disagreement(dims, f, uniform(7))).toBeLessThan(2e-2);
  });

  it.each(spelledOut)('of %s as exporters spell it', async (_, f) => {
    expect(await disagreement([2, 3, 4], f, uniform(7))).toBeLessThan(2e-2);
  });

  it('of random chains of operators', async () => {
    const links: Record<string, (b: Builder, x: Value) => Value> = {
      tanh: (b, x) => b.op('Tanh', [x]),
      softmax: (b, x) => b.op('Softmax', [x], { axis: -1 }),
      silu: (b, x) => b.mul(x, b.op('Sigmoid', [x])),
      attend: (b, x) => b.matmul(b.op('Softmax', [b.matmul(x, b.transpose(x, [1, 0]))]), x),
      square: (b, x) => b.mul(x, x),
      reuse: (b, x) => b.add(b.op('Sigmoid', [x]), b.scale(x, 0.5)),
      transpose: (b, x) => b.transpose(x, [1, 0]),
      product: (b, x) => b.matmul(x, b.transpose(x, [1, 0])),
      join: (b, x) => b.concat([x, b.neg(x)], 1),
      cut: (b, x) => b.slice(x, 1, 0, Math.max(1, b.dims(x)[1]! - 1)),
      norm: (b, x) => b.sub(x, b.reduceMean(x, [1])),
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...Object.keys(links)), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 1_000_000 }),
        async (chain, seed) => {
          const f = (b: Builder, x: Value) =>
            chain.reduce((value, link) => links[link]!(b, value), x);
          expect(await disagreement([3, 4], f, uniform(seed))).toBeLessThan(5e-2);
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe('what cannot be differentiated', () => {
  it('is an operator without a rule, named with its node', () => {
    const b = new Builder('model.onnx');
    const x = b.input('x', 'float32', [2, 2]);
    const y = b.op('Tan', [x], {}, { name: '/head/Tan' });
    const loss = b.reduceSum(y, [0, 1], false);
    expect(() => gradients(b, { of: loss, wrt: [x] })).toThrow(
      /model\.onnx, node "\/head\/Tan" \(Tan\): no gradient rule/,
    );
  });

  it('is a value the loss does not depend on', () => {
    const b = new Builder('model.onnx');
    const x = b.input('x', 'float32', [2]);
    const other = b.input('other', 'float32', [2]);
    const loss = b.reduceSum(x, [0], false);
    expect(() => gradients(b, { of: loss, wrt: [other] })).toThrow(/does not depend on "other"/);
  });

  it('is a tensor without a seed', () => {
    const b = new Builder('model.onnx');
    const x = b.input('x', 'float32', [2]);
    expect(() => gradients(b, { of: b.neg(x), wrt: [x] })).toThrow(/no scalar: give a seed/);
  });
});
