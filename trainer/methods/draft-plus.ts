/**
 * @file DRaFT+: DRaFT-K held to the base policy, so that images keep their diversity while the
 * reward rises.
 *
 *   L = −E r(x_0, c) + λ · 1/K · Σ_{last K steps} mean (ε̂_θ(x_t) − ε̂_base(x_t))²
 *
 * ε̂ guided, the base policy's without gradient at the same x_t. NVIDIA/NeMo-Aligner,
 * `megatron_sd_draftp_model.py`, which calls the penalty a KL with shared variance; the KL of the
 * two Gaussian transitions is c_t²/2σ_t² times the square, and is the form `transition`. λ is on
 * the scale of the reward: NeMo's 0.1 to 1 belong to logits of about 20, a reward on the scale of a
 * cosine wants a hundredth of it. Where a round goes on from others, the policy it started from may
 * stand in for the base.
 *
 * Where the reward knows how unsure it is, an image's penalty may be √(1 + π/8·spread²) times as
 * strong (`rollouts/kl-penalty.ts`): what a reward has seldom seen it praises by guess, and there
 * the policy stays nearer to its reference.
 */
import { draft } from './draft';
import type { KlPenalty, RewardGradientMethod } from './rollouts/plan';

export interface DraftPlusSettings {
  /** K, steps differentiated and penalised. */
  truncation: number;
  kl: KlPenalty;
}

export function draftPlus({ truncation, kl }: DraftPlusSettings): RewardGradientMethod {
  return { ...draft({ truncation }), kl };
}
