/** @file How the learning rate rises and falls, and how the running average forgets. */

/**
 * Factor on the learning rate: a linear warm-up, a plateau, and a cosine down to `floor` over the
 * last steps. Only the last part depends on when training ends, so it can be ended when the samples
 * are good. Step counted from 1.
 */
export function learningRateFactor(
  step: number,
  settings: { steps: number; warmUpSteps: number; decaySteps: number; floor?: number },
): number {
  const { steps, warmUpSteps, decaySteps, floor = 0.02 } = settings;
  if (step <= warmUpSteps) return step / warmUpSteps;
  const progress = Math.min(Math.max((step - (steps - decaySteps)) / decaySteps, 0), 1);
  return floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * progress));
}

/**
 * Share of the average kept per step: short memory at first, `longest` later (as in diffusers'
 * EMAModel).
 */
export function averageDecay(step: number, longest: number): number {
  return Math.min(longest, (1 + step) / (10 + step));
}
