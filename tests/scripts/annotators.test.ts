import { describe, expect, it } from 'vitest';
import { answer, followsPrompt, looksRight, tag } from '@/scripts/annotators';
import type { Verdict } from '@/trainer/hands/judge/verdict';
import { createRandom } from '@/trainer/random';

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
const green = { ...sound, sleeve: 'green' } as Verdict;
const prompt = '1 hand, tan skin, red sleeve, blue background, upright';

describe('a careful person', () => {
  it.each([
    ['a sound hand over a deformed one', sound, sixFingers, 'left'],
    ['no blood over blood', bloody, sound, 'right'],
    ['one defect over two', bloody, { ...bloody, deformed: true }, 'left'],
    ['the one that follows the prompt', green, sound, 'right'],
    ['a defect as worse than a wrong sleeve', green, bloody, 'left'],
    ['two sound hands alike', sound, sound, 'tie'],
    ['two defective hands as bad', sixFingers, bloody, 'both-bad'],
  ])('judges %s', (_, left, right, expected) => {
    expect(answer(prompt, [left, right], looksRight, 0, createRandom(1))).toBe(expected);
  });

  it('looks at nothing but the prompt where that is asked', () => {
    const random = createRandom(1);
    expect(answer(prompt, [green, bloody], followsPrompt, 0, random)).toBe('right');
    expect(answer(prompt, [sound, bloody], followsPrompt, 0, random)).toBe('tie');
  });
});

it('errs in about the share asked for, and the same way for the same seed', () => {
  const answers = (seed: number) => {
    const random = createRandom(seed);
    return Array.from({ length: 4000 }, () =>
      answer(prompt, [sound, sound], looksRight, 0.1, random),
    );
  };
  const wrong = answers(7).filter((one) => one !== 'tie').length;
  expect(wrong).toBeGreaterThan(320);
  expect(wrong).toBeLessThan(480);
  expect(answers(7)).toEqual(answers(7));
});

it('tags what is bad, but for mistakes', () => {
  const bad = ({ blood }: Verdict) => blood;
  expect(tag([sound, bloody], bad, 0, createRandom(1))).toEqual([false, true]);
  expect(tag([sound, bloody], bad, 1, createRandom(1))).toEqual([true, false]);
});
