/** Which pairs a draw forms, with a policy and a reward that can be followed by hand. */

import { describe, expect, it } from 'vitest';
import { DdimScheduler } from '@/trainer/diffusion/schedulers/ddim';
import { scheduleConfigSchema } from '@/trainer/diffusion/schedulers/schedule';
import { float32 } from '@/trainer/graph/tensor';
import { bestAndWorst } from '@/trainer/methods/spo/choice';
import { type DrawParts, drawPairs } from '@/trainer/methods/spo/draw';
import { createRandom } from '@/trainer/random';

describe('the best and the worst', () => {
  it('are a pair where the two-way softmax tells them apart by more than the threshold', () => {
    const gap = (difference: number) => {
      const [one, other] = [Math.exp(difference), 1];
      return (one - other) / (one + other);
    };
    const scores = [0.1, 0.9, -0.3, 0.4];
    const at = (threshold: number, scoreScale = 1) =>
      bestAndWorst(scores, { threshold, scoreScale });
    expect(at(gap(1.2) - 1e-9)).toEqual({ best: 1, worst: 2 });
    expect(at(gap(1.2) + 1e-9)).toBeNull();
    expect(at(gap(2.4) - 1e-9, 2)).toEqual({ best: 1, worst: 2 });
    expect(at(gap(2.4) + 1e-9, 2)).toBeNull();
    expect(bestAndWorst([1, 1], { threshold: 0, scoreScale: 1 })).toBeNull();
  });
});

describe('a draw', () => {
  const size = 2;
  const images = 2;
  const steps = 4;
  const scheduler = new DdimScheduler(
    scheduleConfigSchema.parse({ steps_offset: 1, clip_sample: false }),
  );
  const timesteps = scheduler.timesteps(steps);

  async function drawn(changes: Partial<DrawParts> & { choice?: DrawParts['choice'] } = {}) {
    const predicted: { policy: string; timestep: number; sample: Float32Array }[] = [];
    const scored: Float32Array[] = [];
    const random = createRandom(9);
    const noise = createRandom(6);
    const draw = await drawPairs(
      {
        prompts: ['1 hand', 'a dog'],
        contexts: [1, 2].map((value) => ({ words: float32([1], [value]) })),
        latents: Float32Array.from({ length: images * size }, () => noise.gaussian()),
        noise: () => Float32Array.from({ length: images * size }, () => noise.gaussian()),
      },
      {
        denoiser: {
          async predict(policy, sample, timestep) {
            predicted.push({ policy, timestep, sample });
            return sample.map((value) => (policy === 'base' ? 0.5 : 0.1) * value);
          },
        },
        // The reward is an image's first number.
        async score(latents) {
          scored.push(latents);
          return Float32Array.of(latents[0]!, latents[size]!);
        },
        scheduler,
        settings: { steps, eta: 1, guidance: 1 },
        choice: { candidates: 3, startStep: 1, threshold: 0, scoreScale: 1 },
        eligibleSteps: steps,
        ...changes,
      },
      () => random.next(),
    );
    return { ...draw, predicted, scored };
  }

  it('forms a pair of every image at every step from the first on, all from one x_t', async () => {
    const { pairs, scores, scored } = await drawn();
    expect(
      pairs.map(({ timestepIndex, context }) => [timestepIndex, context.words?.data[0]]),
    ).toEqual([
      [1, 1],
      [1, 2],
      [2, 1],
      [2, 2],
      [3, 1],
      [3, 2],
    ]);
    expect(scored).toHaveLength(3 * 3);
    expect(scores).toHaveLength(3 * 3 * images);
    for (const { sample, reference } of pairs) {
      expect([...reference]).toEqual([...sample.map((value) => 0.5 * value)]);
    }
  });

  it('scores what a candidate is heading for, and at the end the image itself', async () => {
    const { pairs, scored } = await drawn();
    for (const [image, { winner, loser }] of pairs.slice(-2).entries()) {
      const last = scored.slice(-3).map((latents) => latents[image * size]!);
      expect(winner[0]).toBe(Math.max(...last));
      expect(loser[0]).toBe(Math.min(...last));
    }
    // Before the end x̂0 = (x − √(1−ᾱ)·ε̂)/√ᾱ at the timestep that comes next.
    const alphaBar = scheduler.alphaBar(timesteps[3]!);
    const heading = (x: number) => (x * (1 - 0.1 * Math.sqrt(1 - alphaBar))) / Math.sqrt(alphaBar);
    for (const [image, { winner, loser }] of pairs.slice(2, 4).entries()) {
      const there = scored.slice(3, 6).map((latents) => latents[image * size]!);
      expect(heading(winner[0]!)).toBeCloseTo(Math.max(...there), 4);
      expect(heading(loser[0]!)).toBeCloseTo(Math.min(...there), 4);
    }
  });

  it('goes on from a candidate by chance, and asks for no output twice', async () => {
    const { pairs, predicted } = await drawn();
    const trained = predicted.filter(({ policy }) => policy === 'trained');
    // The first two steps, then every candidate that has a step to come.
    expect(trained.map(({ timestep }) => timestep)).toEqual(
      [0, 1, 2, 2, 2, 3, 3, 3].map((step) => timesteps[step]),
    );
    const asked = trained.slice(2, 5).map(({ sample }) => [...sample]);
    const from = pairs.filter(({ timestepIndex }) => timestepIndex === 2);
    const taken = from.map(({ sample }, image) =>
      asked.findIndex((one) => one[image * size] === sample[0]),
    );
    const random = createRandom(9);
    expect(taken).toEqual([0, 1].map(() => Math.floor(3 * random.next())));
  });

  it('takes no step beyond those that are trained, and no reference where there is no pair', async () => {
    const short = await drawn({ eligibleSteps: 3 });
    expect(short.pairs.map(({ timestepIndex }) => timestepIndex)).toEqual([1, 1, 2, 2]);
    const choice = { candidates: 2, startStep: 1, threshold: 0, scoreScale: 1 };
    const score = async () => new Float32Array(images);
    const even = await drawn({ choice, score });
    expect(even.pairs).toEqual([]);
    expect(even.predicted.every(({ policy }) => policy === 'trained')).toBe(true);
  });
});
