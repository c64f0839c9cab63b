import { expect, it } from 'vitest';
import { duration } from '@/scripts/console';

it.each([
  [40, '0.0 s'],
  [9_940, '9.9 s'],
  [34_400, '34 s'],
  [125_000, '2 min 5 s'],
  [119_900, '2 min 0 s'],
])('%i ms is %s', (milliseconds, text) => {
  expect(duration(milliseconds)).toBe(text);
});
