import { expect, it } from 'vitest';
import type { Verdict } from '@/lib/samples';
import { compareVerdicts } from '@/trainer/rounds/evaluate/judging';

const seen = (rest: Partial<Verdict>): Verdict => ({ judge: 'test', ...rest });

it('prefers fewer defects, and then the image closer to its prompt', () => {
  const clean = seen({ deformed: false, blood: false, alignment: 0.5 });
  const bloody = seen({ deformed: false, blood: true, alignment: 1 });
  const both = seen({ deformed: true, blood: true, alignment: 1 });
  expect(compareVerdicts(clean, bloody)).toBeGreaterThan(0);
  expect(compareVerdicts(both, bloody)).toBeLessThan(0);
  expect(compareVerdicts(clean, seen({ ...clean, alignment: 0.75 }))).toBeLessThan(0);
  expect(compareVerdicts(clean, clean)).toBe(0);
});
