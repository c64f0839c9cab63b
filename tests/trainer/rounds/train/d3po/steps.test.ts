import { expect, it } from 'vitest';
import { parseRunConfig, type RunConfigInput } from '@/lib/settings/run-config';
import { planSteps } from '@/trainer/rounds/train/d3po/steps';

const plan = (pairs: number, training: RunConfigInput['training'], label = [1]) =>
  planSteps(
    pairs,
    parseRunConfig({
      prompts: ['a'],
      evaluationPrompts: ['b'],
      sampling: { inferenceSteps: 5 },
      training,
    }),
    label,
  );

const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b);

it('takes one step per pair, over all its timesteps in an order of its own', () => {
  const steps = plan(20, {});
  expect(sorted(steps.map(([pair]) => pair!.example))).toEqual(
    Array.from({ length: 20 }, (_, i) => i),
  );
  expect(steps.map(([pair]) => pair!.example)).not.toEqual(
    sorted(steps.map(([pair]) => pair!.example)),
  );
  for (const [pair] of steps) expect(sorted(pair!.timestepIndices)).toEqual([0, 1, 2, 3, 4]);
  expect(new Set(steps.map(([pair]) => pair!.timestepIndices.join())).size).toBeGreaterThan(5);
});

it('depends on its label alone', () => {
  expect(plan(9, {})).toEqual(plan(9, {}));
  expect(plan(9, {}, [2])).not.toEqual(plan(9, {}, [1]));
});

it('passes over the pairs as often as asked, each time in another order', () => {
  const steps = plan(8, { innerEpochs: 2 });
  const [first, second] = [steps.slice(0, 8), steps.slice(8)].map((pass) =>
    pass.map(([p]) => p!.example),
  );
  expect(sorted(first!)).toEqual(sorted(second!));
  expect(first).not.toEqual(second);
});

it('takes several pairs in a step; the last step takes what is left', () => {
  expect(plan(7, { pairsPerStep: 3 }).map((step) => step.length)).toEqual([3, 3, 1]);
});

it('steps after every timestep when asked, with the share of timesteps asked for', () => {
  const steps = plan(3, { optimiserStep: 'timestep', pairsPerStep: 2, timestepFraction: 0.5 });
  expect(steps.map((step) => step.length)).toEqual([2, 2, 1, 1]);
  expect(steps.flat().every(({ timestepIndices }) => timestepIndices.length === 1)).toBe(true);
  const byPair = [0, 1, 2].map((pair) =>
    steps.flat().flatMap((share) => (share.example === pair ? share.timestepIndices : [])),
  );
  for (const indices of byPair) expect(new Set(indices).size).toBe(2);
});

it('trains on at least one timestep', () => {
  expect(plan(1, { timestepFraction: 0.01 })[0]?.[0]?.timestepIndices).toHaveLength(1);
});

it('leaves out the steps with little noise when asked', () => {
  const steps = plan(9, { noisiestShare: 0.6, timestepFraction: 0.7 });
  const trained = steps.flat().map(({ timestepIndices }) => timestepIndices);
  expect(trained.every((indices) => indices.length === 2)).toBe(true);
  expect(sorted([...new Set(trained.flat())])).toEqual([0, 1, 2]);
});
