/**
 * @file How much louder a policy speaks than its reference, and a hinge that keeps it from growing
 * so.
 *
 *   ratio = ‖v_θ‖ / ‖v_ref‖        L += c·mean max(0, ‖v_θ‖ − ‖v_ref‖)
 *
 * ‖·‖ is the root mean square over latent elements, at the same x_t. What a policy says grows by 5
 * to 15 % where losers push (NormGuard, arXiv 2606.27771, names Diffusion-DPO, DiffusionNFT and
 * others); images come out overdrawn, and scaling it back while drawing does not help. A policy
 * that says less than its reference is left alone.
 */
import type { Builder, Value } from '@/trainer/graph/builder';

/** @returns the ratio and the hinge before its coefficient, of each image, [images] */
export function appendNormGuard(
  b: Builder,
  output: Value,
  reference: Value,
): { ratio: Value; hinge: Value } {
  const norm = (value: Value) =>
    b.op('Sqrt', [b.reduceMean(b.mul(value, value), [1, 2, 3], false)]);
  const [own, other] = [norm(output), norm(reference)];
  return { ratio: b.div(own, other), hinge: b.op('Relu', [b.sub(own, other)]) };
}
