/** @file The formulas by which reward models turn embeddings into a score. */
import type { Builder, Value } from '@/trainer/graph/builder';
import { GraphError } from '@/trainer/graph/model';
import { formatDims, sizeOf } from '@/trainer/graph/tensor';

/** Embeddings [n, width] at length 1. */
export function appendUnit(b: Builder, embeddings: Value): Value {
  const length = b.op('ReduceL2', [embeddings, b.ints([1])], { keepdims: 1 });
  return b.div(embeddings, b.op('Max', [length, b.scalar(1e-12)]));
}

/** Cosine [n] of the angle between embeddings [n, width], row by row. */
export function appendCosine(b: Builder, one: Value, other: Value): Value {
  return b.reduceSum(b.mul(appendUnit(b, one), appendUnit(b, other)), [1], false);
}

/** (r − mean) / std */
export function appendAffine(
  b: Builder,
  score: Value,
  { mean, std }: { mean: number; std: number },
): Value {
  const centered = mean === 0 ? score : b.sub(score, b.scalar(mean));
  return b.scale(centered, 1 / std);
}

/**
 * A graph's output as one number per image, [n]. @throws GraphError where it gives another count
 */
export function perImage(b: Builder, score: Value, n: number, source: string): Value {
  const dims = b.dims(score);
  if (dims[0] !== n || sizeOf(dims) !== n) {
    throw new GraphError(
      `${source} gives ${formatDims(dims)} for ${n} images, where a reward is one number per image. Export the model with that output.`,
    );
  }
  return b.reshape(score, [n]);
}
