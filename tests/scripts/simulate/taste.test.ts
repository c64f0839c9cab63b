import { describe, expect, it } from 'vitest';
import { carefulAnswer, humanAnswer } from '@/scripts/simulate/taste';
import type { Verdict } from '@/trainer/hands/judge/verdict';
import { createRandom } from '@/trainer/hands/world/random';

const sound: Verdict = {
  fingers: 5,
  deformed: false,
  deformedProbability: 0.01,
  blood: false,
  bloodProbability: 0.01,
  skin: 'tan',
  sleeve: 'red',
  background: 'blue',
  pose: 'upright',
};
const sixFingers: Verdict = { ...sound, fingers: 6, deformed: true, deformedProbability: 0.98 };
const bloody: Verdict = { ...sound, blood: true, bloodProbability: 0.97 };
const prompt = '1 hand, tan skin, red sleeve, blue background, upright';

describe('a careful person', () => {
  it.each([
    ['a sound hand over a deformed one', sound, sixFingers, 'left'],
    ['no blood over blood', bloody, sound, 'right'],
    ['the one that follows the prompt', { ...sound, sleeve: 'green' } as Verdict, sound, 'right'],
    [
      'a defect as worse than a wrong sleeve',
      { ...sound, sleeve: 'green' } as Verdict,
      bloody,
      'left',
    ],
    ['two sound hands alike', sound, sound, 'tie'],
    ['two deformed hands as bad', sixFingers, sixFingers, 'both-bad'],
  ])('judges %s', (_, left, right, answer) => {
    expect(carefulAnswer(prompt, left, right)).toBe(answer);
  });
});

it('errs in about the share asked for, and the same way for the same seed', () => {
  const answers = (seed: number) => {
    const random = createRandom(seed);
    return Array.from({ length: 4000 }, () => humanAnswer('tie', 0.1, random));
  };
  const wrong = answers(7).filter((answer) => answer !== 'tie').length;
  expect(wrong).toBeGreaterThan(320);
  expect(wrong).toBeLessThan(480);
  expect(answers(7)).toEqual(answers(7));
});
