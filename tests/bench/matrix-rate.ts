/** @file What this machine reaches in a product of two large matrices. */
import { Builder } from '@/trainer/graph/builder';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32 } from '@/trainer/graph/tensor';
import type { Engine } from '@/trainer/runtime/engine';
import { anyNumbers, time } from './measure';

/** GFLOP/s in the engine, with all its threads. */
export async function matrixRate(engine: Engine): Promise<number> {
  const n = 1024;
  const b = new Builder('matrix');
  const product = b.matmul(b.input('a', 'float32', [n, n]), b.input('b', 'float32', [n, n]));
  b.output(b.reduceMean(product, [0, 1], false), 'mean');
  const session = await engine.load(serializeOnnx(b.finish()), { name: 'matrix' });
  for (const name of ['a', 'b']) await engine.put(name, float32([n, n], anyNumbers(n * n)));
  const { fastest } = await time(
    () => session.run({ a: engine.slot('a'), b: engine.slot('b') }, {}),
    { runs: 15 },
  );
  await session.release();
  await engine.drop('a', 'b');
  return (2 * n ** 3) / fastest / 1e6;
}
