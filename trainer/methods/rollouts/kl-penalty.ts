/**
 * @file The KL penalty of a rollout: how far its trained steps' guided outputs are from the
 * reference policy's at the same x_t.
 */
import type { Conditioning } from '@/trainer/diffusion/pipelines/conditioning';
import type { KlPenalty } from './plan';
import type { RolloutStep } from './roller';
import type { TrainedDenoiser } from './trained-denoiser';

export interface RolloutPenalty {
  /** The penalty's gradient at a step's guided output. */
  gradient(step: RolloutStep): Promise<Float32Array>;
  /** Mean over the trained steps asked for so far, before its coefficient. */
  mean(): number;
}

/**
 * @param factors of each image's penalty @param count trained steps, over which the penalty is a
 * mean @param share of the rollout in the loss
 */
export function klPenalty(
  kl: KlPenalty,
  denoiser: TrainedDenoiser,
  contexts: readonly Conditioning[],
  factors: readonly number[],
  count: number,
  share: number,
): RolloutPenalty {
  let sum = 0;
  return {
    mean: () => sum / count,
    async gradient({ coefficients, sample, output }) {
      const { timestep, mean, sigma } = coefficients;
      const other = await denoiser.predict('reference', sample, timestep, contexts);
      const weight = kl.form === 'noise' ? 1 : mean.output ** 2 / (2 * sigma ** 2);
      const factor = (2 * kl.coefficient * weight * share) / (count * output.length);
      const size = output.length / contexts.length;
      let squares = 0;
      const gradient = output.map((value, i) => {
        const difference = value - other[i]!;
        squares += difference ** 2;
        return factor * factors[Math.floor(i / size)]! * difference;
      });
      sum += (weight * squares) / output.length;
      return gradient;
    },
  };
}

/**
 * How much stronger an image is held whose score, a logit, has this standard error: by as much as a
 * logit so unsure predicts less, √(1 + π·spread²/8) (MacKay, "The Evidence Framework Applied to
 * Classification Networks", 1992).
 */
export function holdBySpread(spread: number): number {
  return Math.sqrt(1 + (Math.PI / 8) * spread ** 2);
}
