import { afterAll, beforeAll, expect, it } from 'vitest';
import { Builder } from '@/trainer/graph/builder';
import type { Graph } from '@/trainer/graph/model';
import { atOpset18 } from '@/trainer/graph/onnx/upgrade';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, type Tensor } from '@/trainer/graph/tensor';
import { Engine } from '@/trainer/runtime/engine';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

const x = float32([2, 6], [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8]);

async function run(graph: Graph): Promise<Record<string, Tensor>> {
  const session = await engine.load(serializeOnnx(graph), { name: 'opsets' });
  const out = await session.run({ x });
  await session.release();
  return out;
}

const reductions = ['ReduceMax', 'ReduceMean', 'ReduceMin', 'ReduceProd', 'ReduceL1', 'ReduceL2'];

/** Every form that opset 18 changed. */
function written(opset: number): Graph {
  const b = new Builder('old', { '': opset });
  b.input('x', 'float32', [2, 6]);
  for (const op of reductions) b.output(b.op(op, ['x'], { axes: [1], keepdims: 0 }), op);
  b.output(b.op('ReduceLogSumExp', ['x'], { keepdims: 0 }), 'all');
  b.output(b.reduceSum('x', [0]), 'sum');
  const [first, second] = b.ops('Split', ['x'], { axis: 1 }, { count: 2 }) as [string, string];
  b.output(b.sub(first, second), 'halves');
  b.output(b.op('Split', ['x', b.ints([2, 4])], { axis: 1 }, { outputs: ['two', 'four'] }));
  return b.finish();
}

it.each([13, 14, 17])('a graph of opset %i computes the same in the forms of 18', async (opset) => {
  const old = written(opset);
  const upgraded = atOpset18(old);
  expect(upgraded.opsets['']).toBe(18);
  expect(await run(upgraded)).toEqual(await run(old));
});

it('a newer graph is left alone, a much older one refused', () => {
  const now = written(18);
  expect(atOpset18(now)).toBe(now);
  const old = { ...written(14), opsets: { '': 11 } };
  expect(() => atOpset18(old)).toThrow(/opset 11.*Export it with opset 18/);
});
