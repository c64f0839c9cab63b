import { expect, test } from 'vitest';
import {
  promptAgreement,
  QUESTION_NAMES,
  QUESTIONS,
  readVerdict,
  rightAnswers,
} from '@/trainer/hands/judge/verdict';
import type { HandTruth } from '@/trainer/hands/world/attributes';

const truth: HandTruth = {
  fingers: 6,
  blood: true,
  skin: 'tan',
  sleeve: 'purple',
  background: 'gray',
  pose: 'tilted right',
  thumbSide: 'left',
};

function certain(answers: number[]) {
  return Object.fromEntries(
    QUESTION_NAMES.map((question, at) => [
      question,
      QUESTIONS[question].map((_, index) => (index === answers[at] ? 0.9 : 0.02)),
    ]),
  ) as unknown as Parameters<typeof readVerdict>[0];
}

test('right answers are read back as the truth', () => {
  const { thumbSide: _, ...wanted } = truth;
  const verdict = readVerdict(certain(rightAnswers(truth)));
  expect(verdict).toMatchObject({ ...wanted, deformed: true });
  expect(verdict.deformedProbability).toBeCloseTo(0.98);
  expect(verdict.bloodProbability).toBeCloseTo(0.9);
});

test('anything but five clear fingers is deformed', () => {
  const deformed = (fingers: 3 | 5 | 'unclear') =>
    readVerdict(certain(rightAnswers({ ...truth, fingers }))).deformed;
  expect(deformed(5)).toBe(false);
  expect(deformed(3)).toBe(true);
  expect(deformed('unclear')).toBe(true);
});

test('agreement counts only what was asked for', () => {
  expect(promptAgreement({}, truth)).toBe(1);
  expect(promptAgreement({ skin: 'tan', sleeve: 'red' }, truth)).toBe(0.5);
  expect(promptAgreement({ pose: 'upright' }, truth)).toBe(0);
});
