/** Which steps each reward-gradient method trains, whatever it draws. */
import { describe, expect, it } from 'vitest';
import {
  adjointMatchingSettings,
  alignPropSettings,
  draftLvSettings,
  draftSettings,
  drTuneSettings,
  reflSettings,
} from '@/lib/settings/reward-methods';
import { defaultsOf } from '@/lib/settings/setting';
import { adjointMatching } from '@/trainer/methods/adjoint-matching';
import { alignProp } from '@/trainer/methods/alignprop';
import { draft } from '@/trainer/methods/draft';
import { draftLv } from '@/trainer/methods/draft-lv';
import { draftPlus } from '@/trainer/methods/draft-plus';
import { drTune } from '@/trainer/methods/drtune';
import { refl } from '@/trainer/methods/refl';
import type { RewardGradientMethod, RolloutPlan } from '@/trainer/methods/rollouts/plan';
import { createRandom } from '@/trainer/random';

function drawn(method: RewardGradientMethod, steps: number, times = 500): RolloutPlan[] {
  const random = createRandom(steps);
  return Array.from({ length: times }, () => method.plan(steps, () => random.next()));
}

const values = (of: readonly number[]) => [...new Set(of)].sort((a, b) => a - b);

const methods: [string, RewardGradientMethod][] = [
  ['draft', draft(defaultsOf(draftSettings))],
  ['draft through all steps', draft({ truncation: 1000 })],
  ['draft-lv', draftLv(defaultsOf(draftLvSettings))],
  ['draft-plus', draftPlus({ truncation: 1, kl: { coefficient: 1, form: 'noise' } })],
  ['drtune', drTune(defaultsOf(drTuneSettings))],
  ['refl', refl(defaultsOf(reflSettings))],
  ['adjoint-matching', adjointMatching(defaultsOf(adjointMatchingSettings))],
  ['alignprop', alignProp(defaultsOf(alignPropSettings))],
];

describe.each(methods)('%s', (_, method) => {
  it.each([1, 2, 3, 5, 20, 50])('trains steps that are run, in order, of %i', (steps) => {
    for (const { trained, executed } of drawn(method, steps)) {
      expect(executed).toBeGreaterThanOrEqual(1);
      expect(executed).toBeLessThanOrEqual(steps);
      expect(trained.length).toBeGreaterThan(0);
      expect(values(trained)).toEqual(trained);
      expect(trained.every((step) => step >= 0 && step < executed)).toBe(true);
    }
  });
});

it('DRaFT-K trains the last K steps', () => {
  expect(draft({ truncation: 3 }).plan(20, Math.random).trained).toEqual([17, 18, 19]);
  expect(draft({ truncation: 50 }).plan(4, Math.random).trained).toEqual([0, 1, 2, 3]);
});

it('DRTune trains K equally spaced steps, reaches every step, and stops in the last m', () => {
  const plans = drawn(drTune({ trainedSteps: 4, earlyStop: 5 }), 20, 4000);
  for (const { trained } of plans) {
    expect(trained).toHaveLength(4);
    expect(values(trained.slice(1).map((step, i) => step - trained[i]!))).toHaveLength(1);
  }
  expect(values(plans.map(({ executed }) => executed))).toEqual([16, 17, 18, 19, 20]);
  expect(values(plans.flatMap(({ trained }) => trained))).toEqual(
    Array.from({ length: 20 }, (_, step) => step),
  );
  expect(plans.every(({ throughInput }) => !throughInput)).toBe(true);
});

it('ReFL estimates the image at one of the last quarter of the steps', () => {
  const plans = drawn(refl(defaultsOf(reflSettings)), 40, 4000);
  expect(values(plans.flatMap(({ trained }) => trained))).toEqual(
    Array.from({ length: 10 }, (_, i) => 30 + i),
  );
  expect(plans.every(({ trained, executed }) => trained[0] === executed - 1)).toBe(true);
});

it('AlignProp truncates at random, about nine steps from the end of fifty', () => {
  const lengths = drawn(alignProp(defaultsOf(alignPropSettings)), 50, 4000).map(
    ({ trained, executed }) => {
      expect(trained.at(-1)).toBe(executed - 1);
      return trained.length;
    },
  );
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  expect(mean).toBeGreaterThan(8.5);
  expect(mean).toBeLessThan(9.5);
});
