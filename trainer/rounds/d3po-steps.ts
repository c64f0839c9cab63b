/** @file The order in which D3PO goes over pairs and timesteps; settled by the round alone, before anything is trained. */
import type { RunConfig } from '@/lib/settings/run-config';
import { type Label, shuffled } from './random';

/** One pair's share of an optimizer step. */
export interface StepPair {
  /** Index of the training pair. */
  pair: number;
  /** Denoising steps trained on; 0 is the noisiest. */
  timestepIndices: number[];
}

/** The pairs of one optimizer step. */
export type Step = StepPair[];

/**
 * All optimizer steps of a round. As in the official code, every pass shuffles the pairs and gives each pair its own
 * permutation of the timesteps, of which the configured share is trained on.
 */
export function planSteps(
  pairCount: number,
  { training, sampling }: Pick<RunConfig, 'training' | 'sampling'>,
  label: Label,
): Step[] {
  const { innerEpochs, pairsPerStep, timestepFraction, optimiserStep } = training;
  const trained = Math.max(1, Math.floor(sampling.inferenceSteps * timestepFraction));
  const pairs = Array.from({ length: pairCount }, (_, pair) => pair);
  const indices = Array.from({ length: sampling.inferenceSteps }, (_, index) => index);
  const steps: Step[] = [];
  for (let pass = 0; pass < innerEpochs; pass++) {
    const order = shuffled(pairs, ...label, 'pairs', pass);
    for (let first = 0; first < order.length; first += pairsPerStep) {
      const together = order.slice(first, first + pairsPerStep).map((pair) => ({
        pair,
        timestepIndices: shuffled(indices, ...label, 'timesteps', pass, pair).slice(0, trained),
      }));
      if (optimiserStep === 'pair') steps.push(together);
      else steps.push(...oneTimestepEach(together, trained));
    }
  }
  return steps;
}

function oneTimestepEach(together: Step, trained: number): Step[] {
  return Array.from({ length: trained }, (_, i) =>
    together.map(({ pair, timestepIndices }) => ({
      pair,
      timestepIndices: timestepIndices.slice(i, i + 1),
    })),
  );
}
