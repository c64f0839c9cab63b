import { afterAll, beforeAll, expect, it } from 'vitest';
import { gradients } from '@/trainer/autodiff/gradients';
import type { Recompute } from '@/trainer/autodiff/recompute';
import { Builder, type Value } from '@/trainer/graph/builder';
import type { Graph } from '@/trainer/graph/model';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, sizeOf } from '@/trainer/graph/tensor';
import { Engine } from '@/trainer/runtime/engine';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

const wave = (dims: readonly number[], phase: number) =>
  float32(
    dims,
    Float32Array.from({ length: sizeOf(dims) }, (_, i) => Math.sin(i * 1.3 + phase)),
  );

/** Blocks of a normalization, a gate and two products, each added to what it reads. */
function graphOf(recompute: Recompute): Graph {
  const b = new Builder('blocks');
  let x: Value = b.input('x', 'float32', [4, 16]);
  const trained: Value[] = [];
  for (let i = 0; i < 3; i++) {
    const ones = b.tensor(wave([16], i));
    const normal = b.op('LayerNormalization', [x, ones], { axis: -1 });
    trained.push(b.input(`w${i}`, 'float32', [16, 16]));
    const inner = b.matmul(normal, trained[i]!);
    const gated = b.mul(inner, b.op('Sigmoid', [inner]));
    const inHeads = b.op('Reshape', [gated, b.ints([1, 4, 16])]);
    const image = b.op('InstanceNormalization', [
      inHeads,
      b.tensor(wave([4], 0)),
      b.tensor(wave([4], 1)),
    ]);
    const out = b.matmul(b.reshape(image, [4, 16]), b.tensor(wave([16, 16], i + 5)));
    x = b.add(x, out);
  }
  b.output(x, 'y');
  const found = gradients(b, {
    of: x,
    wrt: ['x', ...trained],
    seed: b.input('g', 'float32', [4, 16]),
    recompute,
  });
  for (const [i, gradient] of found.entries()) b.output(gradient, `d${i}`);
  return b.finish();
}

async function run(graph: Graph) {
  const session = await engine.load(serializeOnnx(graph), { name: graph.name });
  const feeds = graph.inputs.map(({ name, dims }, i) => [name, wave(dims as number[], i)]);
  const outputs = await session.run(Object.fromEntries(feeds));
  await session.release();
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { data }]) => [name, [...(data as Float32Array)]]),
  );
}

const count = (graph: Graph, op: string) => graph.nodes.filter((node) => node.op === op).length;

it('computes the same gradients, whatever it computes again', async () => {
  const kept = graphOf('nothing');
  const wanted = await run(kept);
  for (const amount of [0, 0.3, 0.7, 1]) {
    const graph = graphOf(amount);
    expect(count(graph, 'Sigmoid'), String(amount)).toBeGreaterThan(count(kept, 'Sigmoid'));
    const products = count(graph, 'MatMul') - count(kept, 'MatMul');
    expect(products > 0, String(amount)).toBe(amount > 0);
    const found = await run(graph);
    for (const [name, values] of Object.entries(wanted)) {
      const most = Math.max(...values.map(Math.abs));
      const worst = Math.max(...values.map((value, i) => Math.abs(value - found[name]![i]!)));
      expect(worst / most, `${amount} ${name}`).toBeLessThan(1e-5);
    }
  }
});
