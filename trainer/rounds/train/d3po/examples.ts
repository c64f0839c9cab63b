/**
 * @file A round's training pairs as examples: pairs of one tagged group share its images, each run
 * through once.
 */
import type { TrainingPair } from '@/db/answers/training-data';
import {
  type Comparison,
  comparisonsIn,
  type ExampleSize,
  layOut,
} from '@/trainer/methods/transitions/examples';
import type { Step } from './steps';

type Sample = TrainingPair['winner'];

export interface RoundExample {
  prompt: string;
  samples: Sample[];
  comparisons: Comparison[];
}

/**
 * One example per pair, or per group where its images fit into a run together.
 * @param mostImages images that a run may hold
 */
export function roundExamples(pairs: readonly TrainingPair[], mostImages: number): RoundExample[] {
  const byGroup = new Map<string, TrainingPair[]>();
  for (const pair of pairs) {
    const key = pair.groupId ?? `pair ${pair.ordinal}`;
    byGroup.set(key, [...(byGroup.get(key) ?? []), pair]);
  }
  return [...byGroup.values()].flatMap((together) => {
    const whole = exampleOf(together);
    return whole.samples.length <= mostImages ? [whole] : together.map((pair) => exampleOf([pair]));
  });
}

function exampleOf(pairs: readonly TrainingPair[]): RoundExample {
  const samples = new Map<string, Sample>();
  for (const { winner, loser } of pairs) {
    samples.set(winner.id, winner);
    samples.set(loser.id, loser);
  }
  const ids = [...samples.keys()];
  return {
    prompt: pairs[0]!.prompt,
    samples: [...samples.values()],
    comparisons: pairs.map(({ winner, loser, weight, smoothing }) => ({
      winner: ids.indexOf(winner.id),
      loser: ids.indexOf(loser.id),
      weight,
      smoothing,
    })),
  };
}

/** What a run costs besides its images, in images: measured on the built-in policy. */
const runOverhead = 0.5;

/**
 * The size of runs with which all steps compute least (a run that is not full costs as much as a
 * full one), and how many of them a step takes on average.
 * @param oneTimestep whether a run's images must share their timestep
 */
export function bestRunSize(
  examples: readonly RoundExample[],
  steps: readonly Step[],
  mostImages: number,
  oneTimestep: boolean,
): { run: ExampleSize; runsPerStep: number } {
  const least = Math.max(2, ...examples.map(({ samples }) => samples.length));
  const candidates = Array.from(
    { length: Math.max(1, mostImages - least + 1) },
    (_, i) => least + i,
  ).map((images) => {
    const laidOut = steps.flatMap((step) => {
      const sizes = step.map(({ example }) => {
        const { samples, comparisons } = examples[example]!;
        return { images: samples.length, comparisons: comparisons.length };
      });
      const rows = step.flatMap(({ timestepIndices }, example) =>
        timestepIndices.map((timestepIndex) => ({ example, timestepIndex })),
      );
      return layOut(rows, sizes, images, oneTimestep).map((run) => comparisonsIn(run, sizes));
    });
    return {
      images,
      comparisons: Math.max(1, ...laidOut),
      runs: laidOut.length,
      cost: laidOut.length * (images + runOverhead),
    };
  });
  const { images, comparisons, runs } = candidates.reduce((best, next) =>
    next.cost < best.cost ? next : best,
  );
  return {
    run: { images, comparisons },
    runsPerStep: Math.floor(runs / Math.max(1, steps.length)),
  };
}
