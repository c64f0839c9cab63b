/**
 * @file What figure `rewards` compares: rewards by name, and methods with settings that suit all of
 * them.
 */
import { alignProp } from '@/trainer/methods/alignprop';
import { draft } from '@/trainer/methods/draft';
import { drTune } from '@/trainer/methods/drtune';
import { refl } from '@/trainer/methods/refl';
import type { RewardGradientMethod } from '@/trainer/methods/rollouts/plan';
import { brightness, symmetry } from '@/trainer/rewards/analytic';
import { combine } from '@/trainer/rewards/combine';
import { compressibility, incompressibility } from '@/trainer/rewards/jpeg';
import type { Reward } from '@/trainer/rewards/reward';
import { studentSettings } from '../desk';
import { evaluations, type Passes, rolloutPasses } from '../picks/passes';
import type { Sizes } from '../sizes';

/** Rewards that are formulas of the pixels, by name. */
export const formulas: Record<string, Reward> = {
  symmetry,
  brightness,
  darkness: combine([{ reward: brightness, weight: -1 }]),
  compressibility,
  incompressibility,
};
const learned = ['picks', 'flags', 'alignment'] as const;
/** All rewards of the figure; the first are measured in a smaller run. */
export const rewardNames = [...Object.keys(formulas), ...learned];

/** A hinge that is never reached: rewards here have no common scale on which to stop. */
const beyond = 1000;

export interface Contender {
  method: RewardGradientMethod;
  /** What its plan is on average, by chance of its draws. */
  average: { executed: number; trained: number };
}

/** The methods compared, by name. */
export function contenders({ rewards: { truncation } }: Sizes): Record<string, Contender> {
  const { steps } = studentSettings;
  const truncated = (k: number) => ({
    method: draft({ truncation: k }),
    average: { executed: steps, trained: k },
  });
  return {
    DRTune: {
      method: drTune({ trainedSteps: 3, earlyStop: 2 }),
      average: { executed: steps - 0.5, trained: 3 },
    },
    'DRaFT-1': truncated(1),
    [`DRaFT-${truncation}`]: truncated(truncation),
    AlignProp: {
      method: alignProp({ meanShare: 0.84, deviationShare: 0.1, scale: 1, target: 0 }),
      average: { executed: steps, trained: 2.1 },
    },
    ReFL: {
      method: refl({ scale: 1, target: beyond, lateShare: 0.25 }),
      average: { executed: steps - 1, trained: 1 },
    },
  };
}

/** UNet evaluations of a step of these images, on average. */
export function averagePasses({ method, average }: Contender, images: number): Passes {
  const trained = { executed: average.executed, trained: { length: average.trained } as number[] };
  return rolloutPasses(method, trained, images, studentSettings.guidance);
}

/**
 * Optimizer steps that fit into the budget of UNet evaluations on average; an even number, to
 * measure half-way.
 */
export function stepsOf({ rewards: { budget, images } }: Sizes, contender: Contender): number {
  const each = evaluations(averagePasses(contender, images));
  return Math.max(2, 2 * Math.round(budget / each / 2));
}
