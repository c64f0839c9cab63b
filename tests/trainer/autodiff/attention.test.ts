import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { gradients } from '@/trainer/autodiff/gradients';
import { Builder, type Value } from '@/trainer/graph/builder';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, sizeOf, type Tensor } from '@/trainer/graph/tensor';
import { Engine } from '@/trainer/runtime/engine';
import { softwareDriver } from '@/trainer/runtime/vulkan';

/** Large enough that its gradient takes two chunks of queries, the second shorter. */
const [most, queries, keys, size] = [20, 600, 450, 8] as const;
const names = ['q', 'k', 'v', 'g'] as const;
type Name = (typeof names)[number];
const dimsOf = (name: Name, heads: number) => [
  1,
  heads,
  name === 'q' || name === 'g' ? queries : keys,
  size,
];

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

/** @param spelled scales the scores by an input, so that nobody knows them for attention's */
function graphOf(spelled: boolean, heads: number = most) {
  const b = new Builder('attention');
  for (const name of names) b.input(name, 'float32', dimsOf(name, heads));
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

function drawn(name: Name, seed: number, heads: number = most): Float32Array {
  const length = sizeOf(dimsOf(name, heads));
  return Float32Array.from({ length }, (_, i) => 2 * Math.sin(i * 1.7 + seed));
}

function drawnFor(heads: number): Record<Name, Float32Array> {
  const [q, k, v, g] = names.map((name, i) => drawn(name, i + 1, heads)) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  return { q, k, v, g };
}

const dimsSize = (name: Name) => sizeOf(dimsOf(name, 1));

async function run(
  graph: ReturnType<typeof graphOf>['graph'],
  given: Record<Name, Float32Array>,
  on = engine,
): Promise<Record<string, Float32Array>> {
  const session = await on.load(serializeOnnx(graph), { name: graph.name });
  const feeds = Object.entries(given).map(([name, values]): [string, Tensor] => [
    name,
    float32(dimsOf(name as Name, values.length / dimsSize(name as Name)), values),
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

function expectAlike(
  found: Record<string, Float32Array>,
  wanted: Record<string, Float32Array>,
  of: readonly string[],
): void {
  for (const name of of) {
    const largest = wanted[name]!.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const worst = wanted[name]!.reduce(
      (max, value, i) => Math.max(max, Math.abs(value - found[name]![i]!)),
      0,
    );
    expect(worst / largest, name).toBeLessThan(2e-5);
  }
}

const point = drawnFor(most);

it('gives the gradient of attention without all of its probabilities', async () => {
  const { graph, largest } = graphOf(false);
  expect(graph.nodes.map(({ op }) => op)).toContain('MultiHeadAttention');
  // Two operands of each of two chunks, and all queries only in the forward pass.
  expect(largest.sort((a, b) => a - b)).toEqual([134, 134, 466, 466, queries]);

  const found = await run(graph, point);
  const plain = graphOf(true).graph;
  expectAlike(found, await run(plain, point), ['y', 'dq', 'dk', 'dv']);

  for (const name of ['q', 'k', 'v'] as const) {
    const direction = drawn(name, 5);
    const y = async (step: number) => {
      const moved = point[name].map((value, i) => value + step * direction[i]!);
      return dot((await run(plain, { ...point, [name]: moved })).y!, point.g);
    };
    const measured = ((await y(1e-3)) - (await y(-1e-3))) / 2e-3;
    const claimed = dot(found[`d${name}`]!, direction);
    expect(Math.abs(measured / claimed - 1), name).toBeLessThan(1e-2);
  }
});

type Inner = 'shares' | 'scores' | 'own' | 'turned';

/** Every value on the way is asked for, or held. @returns the gradient by q and by it */
function graphWithin(inner: Inner, spelled: boolean, held: boolean) {
  const b = new Builder('within attention');
  for (const name of names) b.input(name, 'float32', dimsOf(name, most));
  const factor = spelled ? b.input('scale', 'float32', []) : b.scalar(scale);
  const own = b.mul('q', factor);
  const turned = b.transpose('k', [0, 1, 3, 2]);
  const scores = b.matmul(own, turned);
  const shares = b.op('Softmax', [scores], { axis: -1 });
  const values: Record<Inner, Value> = { shares, scores, own, turned };
  // As a penalty would, the loss reads q by another way, too.
  const y = b.add(b.matmul(shares, 'v'), 'q');
  const stop = held ? [values[inner]] : [];
  const wrt = held ? ['q'] : ['q', values[inner]];
  for (const [i, gradient] of gradients(b, { of: y, wrt, seed: 'g', stop }).entries()) {
    b.output(gradient, `d${i}`);
  }
  return b.finish();
}

it.each([
  ['shares', false],
  ['scores', false],
  ['own', false],
  ['turned', false],
  ['shares', true],
  ['turned', true],
] as const)('spells attention out where its %s are named (held: %s)', async (inner, held) => {
  const graph = graphWithin(inner, false, held);
  expect(graph.nodes.map(({ op }) => op)).not.toContain('MultiHeadAttention');
  const wanted = await run(graphWithin(inner, true, held), point);
  expectAlike(await run(graph, point), wanted, Object.keys(wanted));
});

it.skipIf(!softwareDriver())('gives the same gradient on webgpu', async () => {
  vi.stubEnv('VK_ICD_FILENAMES', softwareDriver());
  const device = await Engine.open({ device: 'webgpu', threads: 1 });
  const { graph } = graphOf(false, 1);
  const few = drawnFor(1);
  expectAlike(await run(graph, few, device), await run(graph, few), ['y', 'dq', 'dk', 'dv']);
  await device.close();
  vi.unstubAllEnvs();
});
