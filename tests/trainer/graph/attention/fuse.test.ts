import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { fuseAttention } from '@/trainer/graph/attention/fuse';
import { Builder, type Value } from '@/trainer/graph/builder';
import type { Graph } from '@/trainer/graph/model';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, sizeOf, type Tensor } from '@/trainer/graph/tensor';
import { Engine, outputOf } from '@/trainer/runtime/engine';
import { softwareDriver } from '@/trainer/runtime/vulkan';

const [rows, heads, queries, keys, size] = [2, 3, 20, 7, 8] as const;
const dims = { q: [rows, queries, heads * size], k: [rows, keys, heads * size] };
const scale = 1 / Math.sqrt(size);

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

function inHeads(b: Builder, x: Value, perm = [0, 2, 1, 3]): Value {
  const [n, tokens] = b.dims(x) as [number, number];
  return b.transpose(b.reshape(x, [n, tokens, heads, size]), perm);
}

type Spelling = (b: Builder, q: Value, k: Value, v: Value) => Value;

/** As exporters write it; each gives [rows, heads, queries, size]. */
const spellings: Record<string, Spelling> = {
  'half of the scale on either side': (b, q, k, v) => {
    const [left, right] = [inHeads(b, q), inHeads(b, k, [0, 2, 3, 1])].map((x) =>
      b.scale(x, Math.sqrt(scale)),
    );
    return b.matmul(b.op('Softmax', [b.matmul(left!, right!)], { axis: -1 }), inHeads(b, v));
  },
  'rows and heads in one axis, nothing added, a cast to the same': (b, q, k, v) => {
    const flat = (x: Value) => b.reshape(inHeads(b, x), [rows * heads, b.dims(x)[1]!, size]);
    const product = b.scale(b.matmul(flat(q), b.transpose(flat(k), [0, 2, 1])), scale);
    const empty = b.op('ConstantOfShape', [b.ints(b.dims(product))]);
    const scores = b.add(product, b.mul(empty, b.scalar(0)));
    const shares = b.op('Cast', [b.op('Softmax', [scores], { axis: 2 })], { to: 1 });
    return b.reshape(b.matmul(shares, flat(v)), [rows, heads, queries, size]);
  },
  'keys turned between two reshapes, scores divided': (b, q, k, v) => {
    const flat = b.reshape(inHeads(b, k), [rows * heads, keys, size]);
    const turned = b.reshape(b.transpose(flat, [0, 2, 1]), [rows, heads, size, keys]);
    const scores = b.div(b.matmul(inHeads(b, q), turned), b.scalar(1 / scale));
    return b.matmul(b.op('Softmax', [scores], { axis: -1 }), inHeads(b, v));
  },
};

function graphOf(spelling: Spelling, fused: boolean): Graph {
  const b = new Builder('attention');
  const [q, k, v] = (['q', 'k', 'v'] as const).map((name) =>
    b.input(name, 'float32', dims[name === 'q' ? 'q' : 'k']),
  ) as [Value, Value, Value];
  b.output(b.scale(spelling(b, q, k, v), 2), 'y');
  if (fused) fuseAttention(b);
  return b.finish();
}

function numbers(shape: readonly number[], seed: number): Tensor {
  const values = Float32Array.from(
    { length: sizeOf(shape) },
    (_, i) => 2 * Math.sin(i * 1.7 + seed),
  );
  return float32(shape, values);
}

async function run(graph: Graph): Promise<Float32Array> {
  const session = await engine.load(serializeOnnx(graph), { name: graph.name });
  const feeds = { q: numbers(dims.q, 1), k: numbers(dims.k, 2), v: numbers(dims.k, 3) };
  const { y } = await session.run(feeds);
  await session.release();
  return y!.data as Float32Array;
}

it.each(Object.entries(spellings))('fuses attention with %s', async (_, spelling) => {
  const fused = graphOf(spelling, true);
  const ops = fused.nodes.map(({ op }) => op);
  expect(ops).toContain('MultiHeadAttention');
  expect(ops).not.toContain('Softmax');
  const plain = await run(graphOf(spelling, false));
  const found = await run(fused);
  const worst = Math.max(...plain.map((value, i) => Math.abs(value - found[i]!)));
  expect(worst).toBeLessThan(1e-5);
});

it('leaves attention with a mask, and over another axis, as it is', () => {
  const masked: Spelling = (b, q, k, v) => {
    const mask = b.tensor(float32([queries, keys], new Float32Array(queries * keys).fill(-1)));
    const scores = b.add(b.matmul(inHeads(b, q), inHeads(b, k, [0, 2, 3, 1])), mask);
    return b.matmul(b.op('Softmax', [scores], { axis: -1 }), inHeads(b, v));
  };
  const across: Spelling = (b, q, k, v) => {
    const scores = b.matmul(inHeads(b, q), inHeads(b, k, [0, 2, 3, 1]));
    return b.matmul(b.op('Softmax', [scores], { axis: 2 }), inHeads(b, v));
  };
  for (const spelling of [masked, across]) {
    expect(graphOf(spelling, true)).toEqual(graphOf(spelling, false));
  }
});

it.skipIf(!softwareDriver())(
  'computes the same on webgpu, whatever the size of a head',
  async () => {
    vi.stubEnv('VK_ICD_FILENAMES', softwareDriver());
    const device = await Engine.open({ device: 'webgpu', threads: 1 });
    for (const width of [8, 10]) {
      const shape = [2, 64, width];
      const b = new Builder('attention');
      const [q, k, v] = ['q', 'k', 'v'].map((name) => b.input(name, 'float32', shape));
      const shares = b.op('Softmax', [b.scale(b.matmul(q!, b.transpose(k!, [0, 2, 1])), scale)]);
      b.output(b.matmul(shares, v!), 'y');
      fuseAttention(b);
      const model = serializeOnnx(b.finish());
      const feeds = { q: numbers(shape, 1), k: numbers(shape, 2), v: numbers(shape, 3) };
      const [expected, found] = await Promise.all(
        [engine, device].map(async (on) => {
          const session = await on.load(model, { name: 'attention' });
          return outputOf(await session.run(feeds), 'y', 'float32').data;
        }),
      );
      const gap = Math.max(...expected!.map((value, i) => Math.abs(value - found![i]!)));
      expect(gap).toBeLessThan(1e-5);
    }
    await device.close();
    vi.unstubAllEnvs();
  },
);
