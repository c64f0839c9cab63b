/**
 * @file What a step on noised images showed, as metrics: over all its examples, and by bands of
 * timesteps.
 */
import type { TrainMetrics } from '@/lib/metrics';
import type { ExampleReport, NoiseStepReport } from '@/trainer/methods/noised-images/noise-trainer';
import type { StepMetrics } from '../training';

/** Examples have any timestep; few have the same. */
const bands = 10;

/**
 * @param timesteps training steps of the schedule. A band stands under the timestep in its middle.
 */
export function metricsOfNoiseStep(
  { examples, gradNorm, baseline }: NoiseStepReport,
  timesteps: number,
): StepMetrics {
  const width = timesteps / bands;
  // A flow's largest timestep, pure noise, is as large as their number.
  const bandOf = ({ timestep }: ExampleReport) => Math.min(Math.floor(timestep / width), bands - 1);
  const seen = [...new Set(examples.map(bandOf))].sort((a, b) => b - a);
  const labeled = examples.some(({ good }) => good !== undefined);
  return {
    mean: { ...meanOf(examples), ...(labeled && { baseline }), gradNorm },
    timesteps: seen.map((band) => ({
      timestep: Math.floor((band + 0.5) * width),
      metrics: meanOf(examples.filter((example) => bandOf(example) === band)),
    })),
  };
}

function meanOf(examples: readonly ExampleReport[]): TrainMetrics {
  const mean = (of: readonly ExampleReport[], read: (example: ExampleReport) => number) =>
    of.reduce((sum, example) => sum + read(example), 0) / of.length;
  const excess = (of: readonly ExampleReport[], image: number) =>
    mean(of, (example) => example.excess[image]!);
  const good = examples.filter((example) => example.good === true);
  const bad = examples.filter((example) => example.good === false);
  const graded = examples.filter((example) => example.grade !== undefined);
  const above = graded.filter(({ grade }) => grade! > 0.5);
  const below = graded.filter(({ grade }) => grade! < 0.5);
  return {
    loss: mean(examples, ({ loss }) => loss),
    // Level counts half: before the first step the policy is its own reference.
    implicitAccuracy: mean(examples, ({ margin }) => (Math.sign(margin) + 1) / 2),
    normRatio: mean(examples, ({ normRatio }) => normRatio),
    ...(examples[0]!.excess.length === 2 && {
      excessWinner: excess(examples, 0),
      excessLoser: excess(examples, 1),
    }),
    ...(good.length > 0 && { excessGood: excess(good, 0) }),
    ...(bad.length > 0 && { excessBad: excess(bad, 0) }),
    ...(above.length > 0 && { excessAbove: excess(above, 0) }),
    ...(below.length > 0 && { excessBelow: excess(below, 0) }),
  };
}
