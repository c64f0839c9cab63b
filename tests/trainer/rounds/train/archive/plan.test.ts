import { describe, expect, it } from 'vitest';
import { DdimScheduler } from '@/trainer/diffusion/schedulers/ddim';
import { scheduleConfigSchema } from '@/trainer/diffusion/schedulers/schedule';
import { imagesOfStep, noiseDraw, pairsOfStep } from '@/trainer/rounds/train/archive/plan';

const range = (count: number) => Array.from({ length: count }, (_, i) => i);
const count = (values: readonly number[], wanted: number) =>
  values.filter((value) => value === wanted).length;

describe('pairs', () => {
  it('come up equally often, in an order of the round’s own', () => {
    const taken = range(14).flatMap((step) => pairsOfStep(7, 3, step, [1]));
    for (const pair of range(7)) expect(count(taken, pair)).toBe(6);
    const other = range(14).flatMap((step) => pairsOfStep(7, 3, step, [2]));
    expect(other).not.toEqual(taken);
  });

  it('are the same for a step, whatever was asked before', () => {
    expect(pairsOfStep(7, 3, 9, [1])).toEqual(pairsOfStep(7, 3, 9, [1]));
  });

  it('repeat where a step has more places than there are', () => {
    expect(pairsOfStep(2, 5, 0, [1])).toHaveLength(5);
  });
});

describe('images', () => {
  const good = range(10).map((i) => i % 5 !== 0);

  it.each([
    [0.8, 5],
    [0.3, 4],
    [0.5, 1],
  ])('are good in a share of %s, %i a step', (goodShare, perStep) => {
    const steps = range(200).map((step) => imagesOfStep(good, { perStep, goodShare }, step, [1]));
    for (const step of steps) expect(step).toHaveLength(perStep);
    const taken = steps.flat();
    expect(taken.filter((i) => good[i]).length / taken.length).toBeCloseTo(goodShare, 2);
    const shares = range(10).map((i) => count(taken, i));
    for (const kind of [true, false]) {
      const own = shares.filter((_, i) => good[i] === kind);
      expect(Math.max(...own) - Math.min(...own)).toBeLessThanOrEqual(1);
    }
  });
});

describe('noise', () => {
  const scheduler = new DdimScheduler(scheduleConfigSchema.parse({}));
  const settings = { scheduler, size: 16, emptyPromptShare: 0.2 };
  const draws = range(3000).map((place) => noiseDraw(settings, 0, place, [1]));

  it('has any training timestep, as likely as any other, and the share of empty prompts asked for', () => {
    const timesteps = draws.map(({ timestep }) => timestep);
    expect(Math.min(...timesteps)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...timesteps)).toBeLessThan(1000);
    for (const fifth of range(5)) {
      const inside = timesteps.filter((t) => Math.floor(t / 200) === fifth).length;
      expect(Math.abs(inside - 600)).toBeLessThan(100);
    }
    const empty = draws.filter(({ withoutPrompt }) => withoutPrompt).length;
    expect(Math.abs(empty - 600)).toBeLessThan(100);
  });

  it('follows from step and place alone', () => {
    expect(noiseDraw(settings, 3, 4, [1])).toEqual(noiseDraw(settings, 3, 4, [1]));
    const seen = [noiseDraw(settings, 3, 5, [1]), noiseDraw(settings, 4, 4, [1])].map(
      (d) => d.noise,
    );
    expect(seen[0]).not.toEqual(seen[1]);
    expect(seen[0]).not.toEqual(noiseDraw(settings, 3, 4, [1]).noise);
  });

  it('never leaves the prompt away where no share is asked for', () => {
    const always = range(200).map((place) =>
      noiseDraw({ ...settings, emptyPromptShare: 0 }, 0, place, [1]),
    );
    expect(always.some(({ withoutPrompt }) => withoutPrompt)).toBe(false);
  });
});
