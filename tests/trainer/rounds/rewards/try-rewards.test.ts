import { expect, it } from 'vitest';
import { ofPixels } from '@/trainer/rewards/reward';
import { cutWarning } from '@/trainer/rounds/rewards/try-rewards';

const pixels = ofPixels('symmetry', (_, images) => images);
const reading = {
  ...pixels,
  name: 'taste 1',
  measure: { room: 3, tokensOf: (text: string) => text.length },
};

it('a reward says which prompts it does not read whole', () => {
  const warn = (reward: typeof pixels, prompts: string[]) =>
    cutWarning({ reward, weight: 1 }, prompts);
  expect(warn(pixels, ['a very long prompt'])).toBeNull();
  expect(warn(reading, ['ab c', 'abc'])).toBeNull();
  expect(warn(reading, ['ab cd e', 'abc'])).toMatch(
    /^taste 1: 1 of 2 prompts is longer than the 3 tokens .+ after “ab”: .+ “cd e”/,
  );
});
