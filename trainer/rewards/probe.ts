/**
 * @file A reward is tried on a handful of images before anything is trained by it: what cannot
 * teach is refused here.
 */
import { gradients } from '@/trainer/autodiff/gradients';
import { Builder, type Value } from '@/trainer/graph/builder';
import { externalDataFolderOf } from '@/trainer/graph/onnx/external-data';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import type { Tensor } from '@/trainer/graph/tensor';
import { type Engine, outputOf } from '@/trainer/runtime/engine';
import { appendScored, type Reward, RewardError } from './reward';

export interface Spread {
  mean: number;
  /** Standard deviation over the images. */
  spread: number;
}

export interface ProbeReport extends Spread {
  /** One per image. */
  scores: Float32Array;
  /** Length of the gradient of the summed scores at all pixels. */
  pixelGradientNorm: number;
  /** Of each term of a combined reward, on its own scale. */
  parts: Record<string, Spread>;
  /** What need not stop a run, as sentences. */
  warnings: string[];
}

/** Scores this close, against their size, are one score. */
const sameShare = 1e-6;

/**
 * Scores images of the starting policy. @param images [n, 3, H, W] in [0, 1], n ≥ 2, no two alike;
 * one prompt each
 * @throws RewardError when the reward gives NaN or infinity, one score for all images, or no
 * gradient at any pixel
 */
export async function probeReward(
  engine: Engine,
  reward: Reward,
  images: Tensor<'float32'>,
  prompts: readonly string[],
): Promise<ProbeReport> {
  const [n = 0] = images.dims;
  if (n < 2 || prompts.length !== n) {
    throw new RangeError(
      `A reward is tried on two images or more with a prompt each, not on ${n} with ${prompts.length} prompts.`,
    );
  }
  const b = new Builder(`probe of ${reward.name}`);
  const input = b.input('images', 'float32', images.dims);
  const { score, parts } = appendScored(reward, b, input);
  const outputs = [score, gradientOf(b, reward, score, input), ...Object.values(parts)];
  for (const [i, value] of outputs.entries()) b.output(value, `output_${i}`);
  const graph = b.finish();
  const externalDataFolder = await externalDataFolderOf(graph, '.');
  const session = await engine.load(serializeOnnx(graph), {
    name: `probe of ${reward.name}`,
    ...(externalDataFolder && { externalDataFolder }),
  });
  const out = await session.run({ images, ...(await reward.feeds(prompts)) });
  await session.release();
  const [scores, slopes, ...own] = outputs.map(
    (_, i) => outputOf(out, `output_${i}`, 'float32').data,
  ) as [Float32Array, Float32Array, ...Float32Array[]];
  const measured = spreadOf(scores);
  const pixelGradientNorm = Math.sqrt(slopes.reduce((sum, slope) => sum + slope * slope, 0));
  refuse(reward, scores, measured, pixelGradientNorm);
  return {
    ...measured,
    scores,
    pixelGradientNorm,
    parts: Object.fromEntries(Object.keys(parts).map((name, i) => [name, spreadOf(own[i]!)])),
    warnings: outOfRange(reward, measured.mean),
  };
}

/** Of the summed scores, at the images. @throws RewardError where an operator has none */
function gradientOf(b: Builder, { name }: Reward, score: Value, images: Value): Value {
  try {
    return gradients(b, { of: b.reduceSum(score, [0], false), wrt: [images] })[0]!;
  } catch (cause) {
    throw new RewardError(
      `The reward "${name}" cannot be differentiated by the pixels. ${(cause as Error).message} Or use a method that needs no gradient.`,
      { cause },
    );
  }
}

function spreadOf(scores: Float32Array): Spread {
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  const squares = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0);
  return { mean, spread: Math.sqrt(squares / scores.length) };
}

function refuse(reward: Reward, scores: Float32Array, { mean, spread }: Spread, norm: number) {
  const broken = scores.findIndex((score) => !Number.isFinite(score));
  if (broken >= 0) {
    throw new RewardError(
      `The reward "${reward.name}" gives ${scores[broken]} for image ${broken + 1} of ${scores.length}. Export the model in float32, or use another.`,
    );
  }
  if (spread <= sameShare * Math.abs(mean)) {
    throw new RewardError(
      `The reward "${reward.name}" gives ${mean} for all of ${scores.length} different images, so it can teach nothing. Check that its graph sees the image; a hinge may be reached already.`,
    );
  }
  if (!Number.isFinite(norm)) {
    throw new RewardError(
      `The reward "${reward.name}" has a gradient of ${norm} at the pixels. Export the model in float32, or use a method that needs no gradient.`,
    );
  }
  if (norm === 0) {
    throw new RewardError(
      `The reward "${reward.name}" has no gradient at any pixel: something in it rounds or compares. Use a method that needs no gradient, or another model.`,
    );
  }
}

/** Beyond the expected range by more than its width. */
function outOfRange({ name, expected }: Reward, mean: number): string[] {
  if (!expected) return [];
  const [low, high] = expected;
  const width = high - low;
  if (mean >= low - width && mean <= high + width) return [];
  return [
    `The reward "${name}" gives ${mean.toPrecision(3)} on average, but such models give ${low} to ${high}. Check its preprocessing and score scale in reward.json.`,
  ];
}
