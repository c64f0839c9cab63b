/**
 * @file Rewards that are formulas of the pixels: no model, no prompt. What they ask for can be seen
 * at a glance.
 */
import type { AnalyticRewardName } from '@/lib/rewards';
import { float32 } from '@/trainer/graph/tensor';
import { compressibility, incompressibility } from './jpeg';
import { ofPixels, type Reward } from './reward';

const spatial = [1, 2, 3];

/** Mean luma (ITU-R BT.601), 0 (black) to 1 (white). */
export const brightness = ofPixels('brightness', (b, images) => {
  const weights = b.tensor(float32([1, 3, 1, 1], [0.299, 0.587, 0.114]));
  return b.scale(b.reduceMean(b.mul(images, weights), spatial, false), 3);
});

/**
 * Minus the mean squared difference from the mirror image, −1 to 0 (left equals right). The
 * low-level reward that shallow supervision fails at: composition is settled in the first steps
 * (DRTune, arXiv 2405.00760).
 */
export const symmetry = ofPixels('symmetry', (b, images) => {
  const axis = 3;
  const width = b.dims(images)[axis]!;
  const order = Array.from({ length: width }, (_, x) => width - 1 - x);
  const difference = b.sub(images, b.op('Gather', [images, b.ints(order)], { axis }));
  return b.neg(b.reduceMean(b.mul(difference, difference), spatial, false));
});

/** All of them, by the name a run gives. */
export const analytic: Record<AnalyticRewardName, Reward> = {
  symmetry,
  brightness,
  compressibility,
  incompressibility,
};
