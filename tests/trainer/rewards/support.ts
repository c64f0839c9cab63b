/** Scores and pixel gradients of a reward, and what finite differences say of them. */
import { gradients } from '@/trainer/autodiff/gradients';
import { Builder, type Value } from '@/trainer/graph/builder';
import { externalDataFolderOf } from '@/trainer/graph/onnx/external-data';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, sizeOf, type Tensor } from '@/trainer/graph/tensor';
import { createRandom } from '@/trainer/random';
import type { Reward } from '@/trainer/rewards/reward';
import { type Engine, outputOf, type Session } from '@/trainer/runtime/engine';

export interface Scored {
  score: Float32Array;
  /** Of the sum of scores, at the pixels. */
  gradient: Float32Array;
}

/** Images of smooth random content, away from 0 and 1. */
export function randomImages(dims: readonly number[], seed = 1): Tensor<'float32'> {
  const random = createRandom(seed);
  return float32(
    dims,
    Float32Array.from({ length: sizeOf(dims) }, () => random.between(0.1, 0.9)),
  );
}

/** A session that scores images of one shape, to be run many times. */
export async function openScoring(
  engine: Engine,
  reward: Reward,
  dims: readonly number[],
): Promise<Session> {
  const b = new Builder(reward.name);
  const images = b.input('images', 'float32', dims);
  const score = reward.append(b, images);
  const [gradient] = gradients(b, { of: b.reduceSum(score, [0], false), wrt: [images] });
  b.output(score, 'score');
  b.output(gradient as Value, 'gradient');
  const graph = b.finish();
  const externalDataFolder = await externalDataFolderOf(graph, '.');
  return engine.load(serializeOnnx(graph), {
    name: reward.name,
    ...(externalDataFolder && { externalDataFolder }),
  });
}

export async function scoredBy(
  session: Session,
  images: Tensor,
  feeds: Record<string, Tensor> = {},
): Promise<Scored> {
  const out = await session.run({ images, ...feeds });
  return {
    score: outputOf(out, 'score', 'float32').data,
    gradient: outputOf(out, 'gradient', 'float32').data,
  };
}

/**
 * Relative gap between the pixel gradient and central differences of the score, along the gradient
 * itself and along a random direction.
 */
export async function gradientGap(
  engine: Engine,
  reward: Reward,
  images: Tensor<'float32'>,
  options: { prompts?: readonly string[]; h?: number } = {},
): Promise<number> {
  const session = await openScoring(engine, reward, images.dims);
  const feeds = await reward.feeds(options.prompts ?? []);
  const { gradient } = await scoredBy(session, images, feeds);
  const random = createRandom(9);
  const directions = [gradient, gradient.map(() => random.gaussian())].map((direction) => {
    const length = norm(direction);
    return direction.map((value) => value / length);
  });
  const h = options.h ?? 0.05;
  const gaps: number[] = [];
  for (const direction of directions) {
    const totals: number[] = [];
    for (const sign of [1, -1]) {
      const moved = images.data.map((value, i) => value + sign * h * direction[i]!);
      const { score } = await scoredBy(session, float32(images.dims, moved), feeds);
      totals.push(score.reduce((sum, value) => sum + value, 0));
    }
    const measured = (totals[0]! - totals[1]!) / (2 * h);
    const claimed = gradient.reduce((sum, g, i) => sum + g * direction[i]!, 0);
    gaps.push(Math.abs(measured - claimed) / norm(gradient));
  }
  await session.release();
  return Math.max(...gaps);
}

export function norm(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}
