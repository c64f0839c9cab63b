/**
 * @file LPIPS in the eyes of a judge: how different two images look to a network that reads hands.
 *
 *   d(x, y) = 1/L Σ_l 1/(H_l·W_l) Σ_hw ‖ f̂_l(x)_hw − f̂_l(y)_hw ‖²
 *
 * f̂_l is the activation of stage l, scaled to unit length over its channels. Zhang et al., "The
 * Unreasonable Effectiveness of Deep Features as a Perceptual Metric" (arXiv 1801.03924), Eq. 1
 * with all weights 1.
 */
import type { Builder, Value } from '@/trainer/graph/builder';

/**
 * Stages [batch, channels, height, width] as one vector per image, whose squared distances are
 * LPIPS.
 */
export function appendPerceptualFeatures(b: Builder, stages: readonly Value[]): Value {
  const parts = stages.map((stage) => {
    const [, , height, width] = b.dims(stage) as [number, number, number, number];
    const square = b.reduceSum(b.mul(stage, stage), [1]);
    const length = b.op('Sqrt', [b.add(square, b.scalar(1e-10))]);
    const share = 1 / Math.sqrt(stages.length * height * width);
    return b.op('Reshape', [b.scale(b.div(stage, length), share), b.ints([0, -1])]);
  });
  return b.concat(parts, 1);
}

/**
 * Mean LPIPS over all pairs of a set: its diversity, 0 for fewer than two images. All pairs at
 * once, as Σ_{i<j} ‖x_i − x_j‖² = N·Σ‖x_i‖² − ‖Σ x_i‖².
 */
export function allPairsDiversity(features: readonly Float32Array[]): number {
  const n = features.length;
  if (n < 2) return 0;
  const total = new Float64Array(features[0]!.length);
  let squares = 0;
  for (const vector of features) {
    for (let at = 0; at < vector.length; at++) {
      const value = vector[at]!;
      total[at] = total[at]! + value;
      squares += value * value;
    }
  }
  const squareOfSum = total.reduce((sum, value) => sum + value * value, 0);
  return (n * squares - squareOfSum) / ((n * (n - 1)) / 2);
}
