/** @file How each way to train opens on a round. */
import { type MethodOf, methods, type TrainingKind } from '@/lib/methods';
import { openNoisedImagesTraining } from './archive/training';
import { openD3poTraining } from './d3po/training';
import { openPolicyGradientTraining } from './drawn/policy-gradient';
import { openRolloutTraining } from './drawn/rollouts';
import { openSpoTraining } from './drawn/spo';
import { openGradedTraining } from './graded/training';
import type { OpenTraining, Training, TrainingContext } from './training';

const trainings: { [Kind in TrainingKind]: OpenTraining<MethodOf<Kind>> } = {
  pairs: openD3poTraining,
  'reward-gradient': openRolloutTraining,
  'policy-gradient': openPolicyGradientTraining,
  'step-pairs': openSpoTraining,
  'graded-images': openGradedTraining,
  'finished-pairs': openNoisedImagesTraining,
  'finished-images': openNoisedImagesTraining,
};

/** Opens a round's training by its method. */
export function openTraining(context: TrainingContext): Promise<Training> {
  const { training } = methods[context.method];
  // The table says which methods each way to train takes; TypeScript does not follow it through two
  // look-ups.
  return (trainings[training]! as OpenTraining<typeof context.method>)(context);
}
