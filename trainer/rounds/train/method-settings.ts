/** @file A run's settings, and what a pipeline's size allows, as the methods take them. */
import type { RunConfig } from '@/lib/settings/run-config';
import type { AdamWSettings } from '@/trainer/autodiff/adamw';
import type { AdapterTargets } from '@/trainer/diffusion/adapters/sites';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';

type Training = RunConfig['training'];

/** Where an adapter sits, by the setting that says so. */
export const targetsOf: Record<Exclude<Training['trainables'], 'full'>, AdapterTargets> = {
  attention: 'attention',
  'attention-ff-conv': 'attention+feed-forward+convolutions',
};

/** The setting that says where such an adapter sits. */
export function trainablesOf(targets: AdapterTargets): keyof typeof targetsOf {
  return targets === 'attention' ? 'attention' : 'attention-ff-conv';
}

export function adamWOf(training: Training): AdamWSettings {
  return {
    beta1: training.adamBeta1,
    beta2: training.adamBeta2,
    epsilon: training.adamEpsilon,
    weightDecay: training.weightDecay,
    maxGradNorm: training.maxGradNorm,
  };
}

/**
 * Latent positions (height x width) of all images in one run of a training graph: what bounds its
 * memory. Sixteen images of the built-in policy, one pair of Stable Diffusion.
 */
const positionsPerRun = 4096;

/**
 * Images that one run of a training graph may hold. @param least what it must hold, however large
 * they are
 */
export function mostImagesPerRun(
  { latentShape: [, height, width] }: Pipeline,
  least: number,
): number {
  return Math.max(least, Math.floor(positionsPerRun / (height * width)));
}

/** The largest divisor of the images of a step that one batch may hold: every batch is full. */
export function batchImages(imagesPerStep: number, most: number): number {
  for (let images = Math.min(most, imagesPerStep); images > 1; images--) {
    if (imagesPerStep % images === 0) return images;
  }
  return 1;
}
