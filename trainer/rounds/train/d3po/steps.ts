/**
 * @file The order in which D3PO goes over examples and timesteps; settled by the round alone,
 * before anything is trained.
 */
import { type RunConfig, trainedTimesteps } from '@/lib/settings/run-config';
import { type Label, shuffled } from '../../draw/random';

/** One example's share of an optimizer step: a pair's, or a group's. */
export interface StepExample {
  /** Index of the example. */
  example: number;
  /** Denoising steps trained on; 0 is the noisiest. */
  timestepIndices: number[];
}

/** The examples of one optimizer step. */
export type Step = StepExample[];

/** The settings that say how much is trained on, and in which portions. */
export interface StepSettings {
  training: Pick<
    RunConfig['training'],
    'innerEpochs' | 'pairsPerStep' | 'optimiserStep' | 'noisiestShare' | 'timestepFraction'
  >;
  sampling: Pick<RunConfig['sampling'], 'inferenceSteps'>;
}

/**
 * All optimizer steps of a round. As in the official code, every pass shuffles the examples and
 * gives each its own permutation of the timesteps, of which the configured share is trained on.
 * @param moving steps of the schedule that lead to less noise; all unless told
 */
export function planSteps(
  exampleCount: number,
  { training, sampling }: StepSettings,
  label: Label,
  moving?: number,
): Step[] {
  const { innerEpochs, pairsPerStep, optimiserStep } = training;
  const [eligible, trained] = trainedTimesteps({ training, sampling }, moving);
  const examples = Array.from({ length: exampleCount }, (_, example) => example);
  const indices = Array.from({ length: eligible }, (_, index) => index);
  const steps: Step[] = [];
  for (let pass = 0; pass < innerEpochs; pass++) {
    const order = shuffled(examples, ...label, 'pairs', pass);
    for (let first = 0; first < order.length; first += pairsPerStep) {
      const together = order.slice(first, first + pairsPerStep).map((example) => ({
        example,
        timestepIndices: shuffled(indices, ...label, 'timesteps', pass, example).slice(0, trained),
      }));
      if (optimiserStep === 'pair') steps.push(together);
      else steps.push(...oneTimestepEach(together, trained));
    }
  }
  return steps;
}

function oneTimestepEach(together: Step, trained: number): Step[] {
  return Array.from({ length: trained }, (_, i) =>
    together.map(({ example, timestepIndices }) => ({
      example,
      timestepIndices: timestepIndices.slice(i, i + 1),
    })),
  );
}
