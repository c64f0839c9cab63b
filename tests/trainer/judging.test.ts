import { describe, expect, it } from 'vitest';
import type { DeclaredJudge } from '@/lib/judges/judging';
import type { Verdict } from '@/lib/samples';
import { handsVerdict } from '@/tests/support/hands-verdict';
import {
  compareVerdicts,
  defectRates,
  meanAlignment,
  measuresOf,
  verdictOf,
} from '@/trainer/judging';

it('prefers fewer defects, and then the image closer to its prompt', () => {
  const clean = handsVerdict('test', { deformed: false }, { alignment: 0.5 });
  const bloody = handsVerdict('test', { deformed: false, blood: true }, { alignment: 1 });
  const both = handsVerdict('test', { deformed: true, blood: true }, { alignment: 1 });
  expect(compareVerdicts(clean, bloody)).toBeGreaterThan(0);
  expect(compareVerdicts(both, bloody)).toBeLessThan(0);
  expect(compareVerdicts(clean, { ...clean, alignment: 0.75 })).toBeLessThan(0);
  expect(compareVerdicts(clean, clean)).toBe(0);
});

describe('a judge of something else', () => {
  const words = { label: 'x', explanation: 'x.', finding: 'x', lookedFor: 'x' };
  const declared: DeclaredJudge = {
    measures: [
      { kind: 'defect', id: 'blurred', ...words, countsAs: null },
      { kind: 'defect', id: 'naked', ...words, countsAs: 'nsfw' },
      { kind: 'defect', id: 'gore', ...words, countsAs: 'nsfw' },
    ],
  };
  const judge = { name: 'other', declared };
  const seen = (found: string[]): Verdict =>
    verdictOf(judge, {
      defects: Object.fromEntries(
        ['blurred', 'naked', 'gore'].map((id) => [id, { found: found.includes(id), score: 0.5 }]),
      ),
    });

  it('raises each kind of flag once, and none for what counts as neither', () => {
    expect(seen(['blurred']).flags).toEqual([]);
    expect(seen(['naked', 'gore']).flags).toEqual(['nsfw']);
  });

  it('gives rates and measures of what it declares, and no alignment without attributes', () => {
    const verdicts = [seen(['blurred', 'gore']), seen([]), seen(['gore'])];
    expect(defectRates(judge, verdicts)).toEqual({
      blurred: { count: 1, n: 3 },
      naked: { count: 0, n: 3 },
      gore: { count: 2, n: 3 },
    });
    expect(measuresOf(judge, verdicts[0]!)).toEqual({ blurred: 0, naked: 1, gore: 0 });
    expect(meanAlignment(judge, verdicts)).toBeNull();
  });

  it('measures alignment where it knows what prompts ask for', () => {
    const attribute = { kind: 'attribute', id: 'colour', label: 'x', explanation: 'x.' } as const;
    const wider = { name: 'wider', declared: { measures: [...declared.measures, attribute] } };
    const verdicts = [0.5, 1].map((alignment) => ({ ...seen([]), alignment }));
    expect(meanAlignment(wider, verdicts)).toBe(0.75);
    expect(meanAlignment(wider, [])).toBeNull();
    expect(measuresOf(wider, verdicts[0]!)).toEqual({
      blurred: 1,
      naked: 1,
      gore: 1,
      alignment: 0.5,
    });
  });
});
