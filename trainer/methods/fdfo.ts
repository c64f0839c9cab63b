/**
 * @file FDFO, finite difference flow optimisation: two images of one x_T that differ by the noise
 * of their steps, and every prediction on the way to either moved along their difference.
 *
 *   Δ = (x_0^w − x_0^l)/2      d = Δ/mean Δ²      v* = v_rec ± d      ψ = −mean (v_θ − v*)²
 *   ρ = e^(ψ_θ − ψ_rec)
 *   L = mean over pair and images of |R|·( ∓ρ + (ρ − 1)²/2c )         + at the winner, − at the loser
 *
 * v is the guided output at a stored x_t, v_rec what it was when the image was drawn; d has the
 * sign with which it moves the estimate of the image towards the winner. |R| = ½(1 − 2s) for a pick
 * that is wrong with probability s. A winner's prediction is drawn to v_rec + d, a loser's pushed
 * from v_rec − d: the same way, from loser to winner. McAllister et al., "Finite Difference Flow
 * Optimization for RL Post-Training of Text-to-Image Models" (arXiv 2603.12893), there for flow
 * matching, where v* is exactly this. The weight of a timestep is a free choice for a network that
 * says the noise; here a step of the output is as long at all of them.
 *
 * The whole way counts as one action: no density of a step is asked, no reference policy run, only
 * the stored prediction read. The bound is soft: alone, an image goes to ρ = 1 ± c and what has
 * gone further is pulled back, so few steps on large pairs need no other hold. The narrower the
 * steps in which the two differ (`sampling.noiseWindow`), the more their difference says about a
 * prediction, and the less people can tell them apart.
 */
import type { Builder, Value } from '@/trainer/graph/builder';
import type { PairLoss, PairLossInputs } from './transitions/pair-loss';

export interface FdfoSettings {
  /** c, on the scale of ratios. */
  bound: number;
}

/** The least mean Δ²: of two images that are one, and of places that compare nothing. */
const leastDifference = 1e-12;

type FdfoInputs = Required<
  Pick<PairLossInputs, 'output' | 'referenceOutput' | 'finished' | 'preference' | 'weight'>
> &
  Pick<PairLossInputs, 'smoothing'>;

/**
 * Appends the loss (a scalar, the weighted mean over pairs), each pair's own, unweighted, [pairs],
 * and ln ρ, [pairs, images], which is 0 where an image stands in no pair.
 */
export function appendFdfoLoss(
  b: Builder,
  { output, referenceOutput, finished, preference, weight, smoothing }: FdfoInputs,
  { bound }: FdfoSettings,
): { loss: Value; pairLoss: Value; logRatio: Value } {
  const [images = 1, ...rest] = b.dims(output);
  const size = rest.reduce((product, n) => product * n, 1);
  const flat = (value: Value) => b.reshape(value, [images, size]);
  const moved = flat(b.sub(output, referenceOutput));
  const difference = b.scale(b.matmul(preference, flat(finished.latents)), 0.5);
  const length = b.op('Max', [
    b.reduceMean(b.mul(difference, difference), [1]),
    b.scalar(leastDifference),
  ]);
  const direction = b.div(difference, length);
  // (v_θ − v*)² − d² as a product with v_θ − v_rec: the difference of two nearly equal squares
  // would lose its digits. What is along d has the sign of winner or loser.
  const along = b.scale(b.matmul(direction, b.transpose(moved, [1, 0])), 2 / size);
  const side = b.mul(preference, finished.sign);
  const squares = b.reshape(b.reduceMean(b.mul(moved, moved), [1]), [1, images]);
  const taken = b.op('Abs', [preference]);
  const logRatio = b.sub(b.mul(side, along), b.mul(taken, squares));
  const ratio = b.op('Exp', [logRatio]);
  const beyond = b.sub(ratio, b.scalar(1));
  const each = b.sub(
    b.scale(b.mul(taken, b.mul(beyond, beyond)), 1 / (2 * bound)),
    b.mul(preference, ratio),
  );
  // ½ of the reward, ½ of the mean over two images.
  const plain = b.scale(b.reduceSum(each, [1], false), 0.25);
  const sure = smoothing && b.sub(b.scalar(1), b.scale(smoothing, 2));
  const pairLoss = sure ? b.mul(plain, sure) : plain;
  return { loss: b.reduceMean(b.mul(pairLoss, weight), [0], false), pairLoss, logRatio };
}

/** FDFO for the trainer of transitions. */
export function fdfo(settings: FdfoSettings): PairLoss {
  return {
    name: 'FDFO',
    ofFinished: true,
    append: (b, { output, referenceOutput, finished, ...others }) =>
      appendFdfoLoss(
        b,
        {
          ...others,
          output: output!,
          referenceOutput: referenceOutput!,
          finished: finished!,
        },
        settings,
      ),
    clip: undefined,
  };
}
