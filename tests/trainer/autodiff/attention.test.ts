import { afterAll, beforeAll, expect, it } from 'vitest';
import { gradients } from '@/trainer/autodiff/gradients';
import { Builder } from '@/trainer/graph/builder';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, sizeOf, type Tensor } from '@/trainer/graph/tensor';
import { Engine } from '@/trainer/runtime/engine';

/** Large enough that its gradient takes two chunks of queries, the second shorter. */
const [heads, queries, keys, size] = [20, 600, 450, 8] as const;
const dims = {
  q: [1, heads, queries, size],
  k: [1, heads, keys, size],
  v: [1, heads, keys, size],
  g: [1, heads, queries, size],
};
type Name = keyof typeof dims;

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

/** @param spelled scales the scores by an input, so that nobody knows them for attention's */
function graphOf(spelled: boolean) {
  const b = new Builder('attention');
  for (const name of ['q', 'k', 'v', 'g'] as const) b.input(name, 'float32', dims[name]);
  const product = b.matmul('q', b.transpose('k', [0, 1, 3, 2]));
  const scores = spelled
    ? b.mul(product, b.input('scale', 'float32', []))
    : b.scale(product, scale);
  const y = b.matmul(b.op('Softmax', [scores], { axis: -1 }), 'v');
  b.output(y, 'y');
  const found = gradients(b, { of: y, wrt: ['q', 'k', 'v'], seed: 'g' });
  for (const [i, gradient] of found.entries()) b.output(gradient, `d${'qkv'[i]}`);
  const largest = b.graph.nodes
    .filter(({ op }) => op === 'Where' || op === 'MultiHeadAttention')
    .map(({ outputs }) => b.dims(outputs[0]!)[1]!);
  return { graph: b.finish(), largest };
}

const scale = 1 / Math.sqrt(size);

function drawn(name: Name, seed: number): Float32Array {
  return Float32Array.from({ length: sizeOf(dims[name]) }, (_, i) => 2 * Math.sin(i * 1.7 + seed));
}

async function run(
  graph: ReturnType<typeof graphOf>['graph'],
  given: Record<Name, Float32Array>,
): Promise<Record<string, Float32Array>> {
  const session = await engine.load(serializeOnnx(graph), { name: graph.name });
  const feeds = Object.entries(given).map(([name, values]): [string, Tensor] => [
    name,
    float32(dims[name as Name], values),
  ]);
  const all = { ...Object.fromEntries(feeds), scale: float32([], [scale]) };
  const taken = Object.entries(all).filter(([name]) => graph.inputs.some((x) => x.name === name));
  const outputs = await session.run(Object.fromEntries(taken));
  await session.release();
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { data }]) => [name, data as Float32Array]),
  );
}

const dot = (a: Float32Array, c: Float32Array) =>
  a.reduce((sum, value, i) => sum + value * c[i]!, 0);

it('gives the gradient of attention without all of its probabilities', async () => {
  const { graph, largest } = graphOf(false);
  expect(graph.nodes.map(({ op }) => op)).toContain('MultiHeadAttention');
  // Two operands of each of two chunks, and all queries only in the forward pass.
  expect(largest.sort((a, b) => a - b)).toEqual([134, 134, 466, 466, queries]);

  const at = { q: drawn('q', 1), k: drawn('k', 2), v: drawn('v', 3), g: drawn('g', 4) };
  const found = await run(graph, at);
  const plain = graphOf(true).graph;
  const wanted = await run(plain, at);
  for (const name of ['y', 'dq', 'dk', 'dv']) {
    const most = wanted[name]!.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const worst = wanted[name]!.reduce(
      (max, value, i) => Math.max(max, Math.abs(value - found[name]![i]!)),
      0,
    );
    expect(worst / most, name).toBeLessThan(2e-5);
  }

  for (const name of ['q', 'k', 'v'] as const) {
    const direction = drawn(name, 5);
    const y = async (step: number) => {
      const moved = at[name].map((value, i) => value + step * direction[i]!);
      return dot((await run(plain, { ...at, [name]: moved })).y!, at.g);
    };
    const measured = ((await y(1e-3)) - (await y(-1e-3))) / 2e-3;
    const claimed = dot(found[`d${name}`]!, direction);
    expect(Math.abs(measured / claimed - 1), name).toBeLessThan(1e-2);
  }
});
