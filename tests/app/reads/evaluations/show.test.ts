import { expect, it } from 'vitest';
import { showEvaluation } from '@/app/reads/evaluations/show';
import type { Evaluation } from '@/db/rounds/metrics';
import type { EvaluationSummary } from '@/lib/metrics';
import { handsRates } from '@/tests/support/hands-verdict';
import { handsJudge } from '@/trainer/hands/judge/declaration';

const evaluation = (summary: Partial<EvaluationSummary>): Evaluation => ({
  id: 'e',
  policyId: 'p',
  roundId: 'r',
  comparedToPolicyId: null,
  drawing: null,
  createdAt: 0,
  summary: {
    images: 10,
    defects: {},
    alignment: null,
    winRate: null,
    diversity: null,
    ...summary,
  },
});

it('keeps the rewards of single images out of what lists show', () => {
  const shown = showEvaluation(evaluation({ rewards: { s: 1 } }), null);
  expect(shown).toMatchObject({ images: 10, diversity: null, defects: [], alarms: [] });
  expect(shown).not.toHaveProperty('rewards');
  expect(showEvaluation(null, handsJudge)).toBeNull();
});

it('says rates and alarms in the words of the judge, in its order', () => {
  const { deformed, blood } = handsRates({ count: 3, n: 10 }).defects;
  const alarms = ['blood', 'alignment', 'diversity'].map((signal) => ({
    signal,
    before: 1,
    after: 0,
  }));
  const shown = showEvaluation(evaluation({ defects: { blood, deformed }, alarms }), handsJudge);
  expect(shown?.defects).toEqual([
    { id: 'deformed', label: 'Deformed hands', of: { count: 3, n: 10 } },
    { id: 'blood', label: 'Blood', of: { count: 0, n: 10 } },
  ]);
  expect(shown?.alarms.map(({ label, explanation, kind }) => [label, explanation, kind])).toEqual([
    ['Blood', 'The judge sees blood more often.', 'defect'],
    ['Prompt followed', 'Images show less of what was asked.', 'alignment'],
    ['Diversity', 'Images of one prompt have become alike.', 'diversity'],
  ]);
});

it('shows what is declared no more by its id', () => {
  const of = { count: 1, n: 2 };
  const alarms = [{ signal: 'torn', before: 1, after: 0 }];
  const shown = showEvaluation(evaluation({ defects: { torn: of }, alarms }), handsJudge);
  expect(shown?.defects).toEqual([{ id: 'torn', label: 'torn', of }]);
  expect(shown?.alarms[0]).toMatchObject({ label: 'torn', kind: 'defect' });
});
