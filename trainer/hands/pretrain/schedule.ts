/** @file How the learning rate rises and falls, and how the running average forgets. */

/** Linear warm-up to 1, then a cosine down to `floor` at the last step. Step counted from 1. */
export function warmUpThenCosine(
  step: number,
  { steps, warmUpSteps, floor = 0.02 }: { steps: number; warmUpSteps: number; floor?: number },
): number {
  if (step <= warmUpSteps) return step / warmUpSteps;
  const progress = Math.min(1, (step - warmUpSteps) / Math.max(1, steps - warmUpSteps));
  return floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * progress));
}

/** Share of the average kept per step: short memory at first, `longest` later (as in diffusers' EMAModel). */
export function averageDecay(step: number, longest: number): number {
  return Math.min(longest, (1 + step) / (10 + step));
}
