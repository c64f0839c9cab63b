/** @file How each method opens a round's training. */
import type { Method } from '@/lib/methods';
import { openNoisedImagesTraining } from './archive/training';
import { openD3poTraining } from './d3po/training';
import { openPolicyGradientTraining } from './drawn/policy-gradient';
import { openRolloutTraining } from './drawn/rollouts';
import { openSpoTraining } from './drawn/spo';
import type { OpenTraining } from './training';

export const trainings: Record<Method, OpenTraining> = {
  d3po: openD3poTraining,
  draft: openRolloutTraining,
  'draft-lv': openRolloutTraining,
  'draft-plus': openRolloutTraining,
  drtune: openRolloutTraining,
  refl: openRolloutTraining,
  alignprop: openRolloutTraining,
  ddpo: openPolicyGradientTraining,
  dpok: openPolicyGradientTraining,
  'diffusion-dpo': openNoisedImagesTraining,
  kto: openNoisedImagesTraining,
  spo: openSpoTraining,
};
