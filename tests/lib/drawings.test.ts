import { expect, it } from 'vitest';
import { baseDrawing, drawingKey, drawingText } from '@/lib/drawings';
import { parseRunConfig } from '@/lib/settings/run-config';

const config = (sampling: object) =>
  parseRunConfig({ prompts: ['a'], evaluationPrompts: ['b'], sampling });
const power = { schedule: 'power', exponent: 4, threshold: 0 };

it.each([
  [{}, undefined, '20 1 5', '20 1 5', '20 steps, eta 1, guidance 5'],
  [{}, power, '20 1 5 power_4', '20 1 5', '20 steps, eta 1, guidance 5, annealed by power_4'],
  [
    { imageWidth: 512, imageHeight: 768 },
    power,
    '20 1 5 512x768 power_4',
    '20 1 5 512x768',
    '20 steps, eta 1, guidance 5, 512 × 768 pixels, annealed by power_4',
  ],
])(
  '%j drawn with %j is a key, what its base is drawn with, and words',
  (sampling, annealing, key, base, words) => {
    expect(drawingKey(config(sampling), annealing)).toBe(key);
    expect(baseDrawing(key)).toBe(base);
    expect(drawingText(key)).toBe(words);
  },
);

it('a configuration from before there were sizes has the pipeline’s own', () => {
  const { sampling } = config({});
  const { imageWidth: _, imageHeight: __, ...before } = sampling;
  expect(drawingKey({ sampling: before as typeof sampling })).toBe('20 1 5');
});
