import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ddpoSettings } from '@/lib/settings/policy-gradient';
import { defaultsOf } from '@/lib/settings/setting';
import {
  type AdvantageSettings,
  AdvantageTracker,
  spreadOf,
} from '@/trainer/methods/policy-gradient/advantages';
import type { DrawSize } from '@/trainer/methods/policy-gradient/baseline';
import type { DrawnImage } from '@/trainer/methods/policy-gradient/draw';
import { standardizedBaseline } from '@/trainer/methods/policy-gradient/standardized-baseline';
import type { Engine } from '@/trainer/runtime/engine';

const tracker = (settings: Partial<AdvantageSettings> = {}) =>
  new AdvantageTracker({ ...defaultsOf(ddpoSettings), ...settings });

describe('advantages by hand', () => {
  it('are standard deviations from the mean of the draw where prompts are not told apart', () => {
    // Mean 4, deviations −3 −1 1 3: variance 5.
    const found = tracker({ perPrompt: false }).advantages(['a', 'b', 'c', 'd'], [1, 3, 5, 7]);
    const wanted = [-3, -1, 1, 3].map((difference) => difference / Math.sqrt(5));
    for (const [i, value] of found.entries()) expect(value).toBeCloseTo(wanted[i]!, 7);
  });

  it('count against the draw until a prompt is known, then against its own last rewards', () => {
    const known = tracker({ buffer: 3, minimum: 2 });
    // a is known at once: 1 and 3, mean 2, σ 1. b is not: the draw's mean is 14/3, its variance
    // 14.89.
    const [a1, a3, b10] = known.advantages(['a', 'a', 'b'], [1, 3, 10]) as [number, number, number];
    expect(a1).toBeCloseTo(-1, 5);
    expect(a3).toBeCloseTo(1, 5);
    expect(b10).toBeCloseTo((10 - 14 / 3) / Math.sqrt(134 / 9), 5);
    // The 1 is forgotten: a has 3, 5, 7, b has 10, 20.
    const [a5, a7, b20] = known.advantages(['a', 'a', 'b'], [5, 7, 20]) as [number, number, number];
    expect(a5).toBeCloseTo(0, 5);
    expect(a7).toBeCloseTo(2 / Math.sqrt(8 / 3), 5);
    expect(b20).toBeCloseTo(1, 5);
    expect([...known.recent]).toEqual([
      ['a', [3, 5, 7]],
      ['b', [10, 20]],
    ]);
  });

  it('are 0 where all rewards are alike', () => {
    for (const perPrompt of [true, false]) {
      expect(tracker({ perPrompt }).advantages(['a', 'b'], [2, 2])).toEqual([0, 0]);
    }
  });
});

const draws = fc.array(
  fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: -50, max: 50 })), {
    minLength: 1,
    maxLength: 12,
  }),
  { minLength: 1, maxLength: 6 },
);
const settings = fc.record({
  perPrompt: fc.boolean(),
  buffer: fc.integer({ min: 2, max: 20 }),
  minimum: fc.integer({ min: 2, max: 20 }),
});
const apart = (draw: readonly (readonly [string, number])[]) =>
  [draw.map(([prompt]) => prompt), draw.map(([, reward]) => reward)] as const;

describe('advantages, whatever is drawn', () => {
  it('remember at most the buffer of each prompt, the newest last', () => {
    fc.assert(
      fc.property(draws, settings, (all, of) => {
        const own = tracker({ ...of, perPrompt: true });
        for (const draw of all) own.advantages(...apart(draw));
        for (const [prompt, recent] of own.recent) {
          const rewards = all.flat().flatMap(([p, reward]) => (p === prompt ? [reward] : []));
          expect(recent).toEqual(rewards.slice(-of.buffer));
        }
      }),
    );
  });

  it('do not change when rewards are shifted and stretched, and keep their order within a prompt', () => {
    fc.assert(
      fc.property(draws, settings, (all, of) => {
        const [plain, other] = [tracker(of), tracker(of)];
        for (const draw of all) {
          const [prompts, rewards] = apart(draw);
          const found = plain.advantages(prompts, rewards);
          const moved = other.advantages(
            prompts,
            rewards.map((reward) => 8 * reward + 1000),
          );
          for (const [i, value] of found.entries()) {
            expect(moved[i]).toBeCloseTo(value, 3);
            for (const [j, than] of found.entries()) {
              if (prompts[i] !== prompts[j] || rewards[i] === rewards[j]) continue;
              expect(value > than).toBe(rewards[i]! > rewards[j]!);
            }
          }
        }
      }),
    );
  });

  it('have mean 0 and deviation 1 over a draw that is compared with itself', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 2 }), (rewards) => {
        fc.pre(new Set(rewards).size > 1);
        const found = tracker({ perPrompt: false }).advantages(
          rewards.map(() => 'a'),
          rewards,
        );
        const { mean, deviation } = spreadOf(found);
        expect(mean).toBeCloseTo(0, 6);
        expect(deviation).toBeCloseTo(1, 6);
      }),
    );
  });

  it('go on exactly from the tensors that keep what is remembered', async () => {
    const size: DrawSize = { images: 1, steps: 2, latent: [1, 1, 1], context: {} };
    const open = (of: AdvantageSettings) => standardizedBaseline(of)({} as Engine, size);
    const images = (draw: readonly (readonly [string, number])[]) =>
      draw.map(([prompt, reward]) => ({ prompt, reward: reward / 7 }) as DrawnImage);
    await fc.assert(
      fc.asyncProperty(draws, settings, async (all, of) => {
        const through = await open(of);
        let resumed = await open(of);
        for (const draw of all) {
          const wanted = await through.weigh(images(draw), Math.random);
          const kept = await resumed.state();
          resumed = await open(of);
          await resumed.load(kept);
          expect(await resumed.weigh(images(draw), Math.random)).toEqual(wanted);
        }
      }),
    );
  });
});
