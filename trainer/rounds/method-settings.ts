/** @file A run's settings as the methods take them. */
import type { RunConfig } from '@/lib/settings/run-config';
import type { AdamWSettings } from '@/trainer/autodiff/adamw';
import type { AdapterTargets } from '@/trainer/diffusion/adapter-sites';

type Training = RunConfig['training'];

/** Where an adapter sits, by the setting that says so. */
export const targetsOf: Record<Exclude<Training['trainables'], 'full'>, AdapterTargets> = {
  attention: 'attention',
  'attention-ff-conv': 'attention+feed-forward+convolutions',
};

export function adamWOf(training: Training): AdamWSettings {
  return {
    beta1: training.adamBeta1,
    beta2: training.adamBeta2,
    epsilon: training.adamEpsilon,
    weightDecay: training.weightDecay,
    maxGradNorm: training.maxGradNorm,
  };
}
