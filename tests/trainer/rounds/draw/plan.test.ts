import { expect, it } from 'vitest';
import { annealingOf } from '@/lib/drawings';
import { parseRunConfig, type RunConfigInput } from '@/lib/settings/run-config';
import type { Annealing } from '@/trainer/diffusion/denoise/annealed-guidance';
import { planEvaluation, planSampling } from '@/trainer/rounds/draw/plan';

const configure = (more: Partial<RunConfigInput> = {}) =>
  parseRunConfig({
    prompts: ['a', 'b', 'c'],
    evaluationPrompts: ['d', 'e'],
    seed: 3,
    ...more,
    sampling: { pairsPerRound: 7, groupsPerRound: 4, groupSize: 5, ...more.sampling },
  });

const planOf = (ordinal: number, more?: Partial<RunConfigInput>, id = 'round') =>
  planSampling({ id, ordinal, config: configure(more) });

it('plans a round alike again, and another round with other seeds and ids', () => {
  expect(planOf(1)).toEqual(planOf(1));
  const seeds = (ordinal: number) => planOf(ordinal).samples.map(({ noiseSeed }) => noiseSeed);
  expect(new Set([...seeds(1), ...seeds(2)]).size).toBe(28);
  const elsewhere = planOf(1, {}, 'another round');
  expect(elsewhere.samples.map(({ noiseSeed }) => noiseSeed)).toEqual(seeds(1));
  expect(elsewhere.samples[0]?.id).not.toBe(planOf(1).samples[0]?.id);
});

it('pairs images of one prompt, drawn one after the other', () => {
  const { samples, pairs, groups } = planOf(1);
  expect(groups).toEqual([]);
  expect(pairs).toHaveLength(7);
  for (const [i, pair] of pairs.entries()) {
    const [first, second] = samples.slice(2 * i, 2 * i + 2);
    expect([pair.sampleAId, pair.sampleBId]).toEqual([first?.id, second?.id]);
    expect(new Set([pair.prompt, first?.prompt, second?.prompt]).size).toBe(1);
  }
});

it('starts from one x_T or from two, as configured', () => {
  const [a, b] = planOf(1, { sampling: { sharedNoise: true } }).samples;
  expect(a?.seed).toBe(b?.seed);
  expect(a?.noiseSeed).not.toBe(b?.noiseSeed);
  const [c, d] = planOf(1, { sampling: { sharedNoise: false } }).samples;
  expect(c?.seed).not.toBe(d?.seed);
});

it('lets images of one start differ in a window of steps, which begins in the noisier half', () => {
  const wide = planOf(1, { sampling: { noiseWindow: 1 } }).samples;
  expect(wide.every(({ window }) => window === undefined)).toBe(true);
  const apart = planOf(1, { sampling: { noiseWindow: 0.2, sharedNoise: false } }).samples;
  expect(apart.every(({ window }) => window === undefined)).toBe(true);
  const { samples } = planOf(1, { sampling: { noiseWindow: 0.2, pairsPerRound: 60 } });
  const firsts = new Set<number>();
  for (let i = 0; i < samples.length; i += 2) {
    expect(samples[i]!.window).toEqual(samples[i + 1]!.window);
    expect(samples[i]!.window!.steps).toBe(4);
    firsts.add(samples[i]!.window!.first);
  }
  expect([Math.min(...firsts), Math.max(...firsts)]).toEqual([0, 10]);
});

it('fills groups', () => {
  const { samples, pairs, groups } = planOf(1, { sampling: { pairSource: 'groups' } });
  expect(pairs).toEqual([]);
  expect(groups).toHaveLength(4);
  expect(samples).toHaveLength(20);
  for (const { id, prompt } of groups) {
    const members = samples.filter(({ groupId }) => groupId === id);
    expect(members).toHaveLength(5);
    expect(members.every((member) => member.prompt === prompt)).toBe(true);
  }
});

it('goes through all prompts before it repeats one, across rounds', () => {
  const drawn = [1, 2, 3].flatMap((ordinal) => planOf(ordinal).pairs.map(({ prompt }) => prompt));
  expect(drawn).toHaveLength(21);
  for (let turn = 0; turn < 21; turn += 3) {
    expect(drawn.slice(turn, turn + 3).sort()).toEqual(['a', 'b', 'c']);
  }
});

it('evaluates every policy on the same prompts and seeds, and trains on none of them', () => {
  const config = configure({ evaluation: { images: 5, seed: 2_147_483_647 } });
  const [one, other] = ['p', 'q'].map((policy) => planEvaluation(policy, config));
  const drawn = (plan: typeof one) =>
    plan?.map(({ prompt, seed, noiseSeed }) => [prompt, seed, noiseSeed]);
  expect(drawn(one)).toEqual(drawn(other));
  expect(drawn(one)?.map(([prompt]) => prompt)).toEqual(['d', 'e', 'd', 'e', 'd']);
  expect(one?.[0]?.id).not.toBe(other?.[0]?.id);
  const last = Math.max(...(one ?? []).map(({ seed }) => seed));
  const trained = planOf(1).samples.flatMap(({ seed, noiseSeed }) => [seed, noiseSeed]);
  expect(Math.min(...trained)).toBeGreaterThan(last);
});

it('draws evaluation images anew for each schedule of annealing, and for nothing that does not matter to it', () => {
  const config = configure({ evaluation: { images: 2 } });
  const idOf = (annealing?: Annealing) => planEvaluation('p', config, annealing)[0]?.id;
  const numbers = { exponent: 2, threshold: 0.6 };
  const drawn = [
    idOf(),
    idOf({ schedule: 'linear', ...numbers }),
    idOf({ schedule: 'power', ...numbers }),
    idOf({ schedule: 'power', ...numbers, exponent: 4 }),
    idOf({ schedule: 'step', ...numbers }),
  ];
  expect(new Set(drawn).size).toBe(5);
  expect(idOf({ schedule: 'linear', exponent: 9, threshold: 0 })).toBe(drawn[1]);
  expect(idOf({ schedule: 'power', ...numbers, threshold: 0 })).toBe(drawn[2]);
});

it('anneals what follows a reward, never what people pick from', () => {
  const config = configure({ inference: { annealing: 'power', exponent: 4 } });
  const annealing = { schedule: 'power', exponent: 4, threshold: 0.6 };
  expect(annealingOf('draft-plus', config)).toEqual(annealing);
  expect(annealingOf('ddpo', config)).toEqual(annealing);
  expect(annealingOf('d3po', config)).toBeUndefined();
  expect(annealingOf('draft-plus', configure({}))).toBeUndefined();
});
