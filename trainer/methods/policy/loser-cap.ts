/**
 * @file A cap on how hard a pair's loser is pushed, for every loss of pairs. The gradient through
 * the loser counts λ times,
 *
 *   λ = min(1, (1−μ)·‖e_w‖² / ⟨e_w, e_l⟩)   where ⟨e_w, e_l⟩ > 0,   else 1
 *
 * e is the error of the output at winner and loser, with a factor that both share. Where the two
 * errors are alike, pushing the loser away pushes the winner with it; with the cap, to first order
 * and in the outputs, the winner's own error falls at least μ times as fast as by itself.
 * Diffusion-SDPO (arXiv 2511.03317) takes λ over a whole batch; here each pair has its own. It
 * takes the error from the finished image; the error of a step, next latents less their mean, is
 * the same to D3PO.
 */
import type { Builder, Value } from '@/trainer/graph/builder';

/** Below this the errors have nothing in common. */
const least = 1e-30;

export interface Capped {
  /** What the loss takes of each image, [1, images]. */
  values: Value;
  /** e of each image, [images, …]. */
  errors: Value;
  /** +1 at the winner, −1 at the loser, 0 elsewhere, [pairs, images]. */
  preference: Value;
  /** Marks a value through which no gradient flows. */
  hold(value: Value): Value;
}

/** The values of every pair, [pairs, images]: losers’ gradients are λ times as large. */
export function appendCappedLosers(
  b: Builder,
  { values, errors, preference, hold }: Capped,
  margin: number,
): Value {
  const [images = 1, ...rest] = b.dims(errors);
  const flat = b.reshape(errors, [images, rest.reduce((product, n) => product * n, 1)]);
  const losers = b.op('Relu', [b.neg(preference)]);
  const [winning, losing] = [b.matmul(b.op('Relu', [preference]), flat), b.matmul(losers, flat)];
  const own = b.reduceSum(b.mul(winning, winning), [1]);
  const shared = b.reduceSum(b.mul(winning, losing), [1]);
  const bound = b.div(b.scale(own, 1 - margin), b.op('Max', [shared, b.scalar(least)]));
  const factor = b.op('Min', [bound, b.scalar(1)]);
  const together = b.op('Greater', [shared, b.scalar(0)]);
  const lambda = b.where(together, factor, b.scalar(1));
  const share = hold(b.sub(b.scalar(1), b.mul(losers, b.sub(b.scalar(1), lambda))));
  const remainder = hold(b.mul(values, b.sub(b.scalar(1), share)));
  return b.add(b.mul(values, share), remainder);
}
