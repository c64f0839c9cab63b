import { describe, expect, it } from 'vitest';
import type { EvaluationSummary } from '@/lib/metrics';
import { afterwards } from '@/lib/serving';

function evaluation(wins: number, n: number, more: Partial<EvaluationSummary> = {}) {
  const summary: EvaluationSummary = {
    images: n,
    defects: {},
    alignment: null,
    winRate: { wins, ties: 0, n },
    diversity: null,
    ...more,
  };
  return { summary, comparedToPolicyId: 'start' };
}

const better = { mode: 'online', rule: 'better' } as const;

describe('a run serves by its rule', () => {
  it('always, or never', () => {
    const worse = evaluation(0, 100);
    expect(afterwards({ ...better, rule: 'always' }, worse, 'start').serves).toBe(true);
    const won = evaluation(100, 100);
    expect(afterwards({ ...better, rule: 'manual' }, won, 'start').serves).toBe(false);
  });

  it('what is better beyond chance, and goes on from what is not worse', () => {
    const made = (wins: number) => afterwards(better, evaluation(wins, 100), 'start');
    expect(made(65)).toEqual({ serves: true, goesOn: true });
    expect(made(55)).toEqual({ serves: false, goesOn: true });
    expect(made(45)).toEqual({ serves: false, goesOn: true });
    expect(made(30)).toEqual({ serves: false, goesOn: false });
  });

  it('what beats the policy that is served, not only the one it came from', () => {
    const served = { policyId: 'served', winRate: { wins: 70, ties: 0, n: 100 } };
    const small = evaluation(52, 100, { served });
    expect(afterwards(better, small, 'served').serves).toBe(true);
    // Somebody served another one meanwhile, which it was not compared with.
    expect(afterwards(better, small, 'another')).toEqual({ serves: false, goesOn: true });
    expect(afterwards(better, evaluation(90, 100), 'another').serves).toBe(false);
  });

  it('nothing that nobody compared, nothing that hacked its reward', () => {
    expect(afterwards(better, null, 'start')).toEqual({ serves: false, goesOn: true });
    const unjudged = evaluation(0, 0, { winRate: null });
    expect(afterwards(better, unjudged, 'start')).toEqual({ serves: false, goesOn: true });
    const alarms = [{ signal: 'deformed', before: 0.7, after: 0.1 }];
    const hacked = evaluation(90, 100, { alarms });
    expect(afterwards(better, hacked, 'start')).toEqual({ serves: false, goesOn: false });
  });

  it('never after a single round: 8 won, 82 tied, 6 lost, or all', () => {
    for (const winRate of [
      { wins: 8, ties: 82, n: 96 },
      { wins: 96, ties: 0, n: 96 },
    ]) {
      for (const rule of ['better', 'always', 'manual'] as const) {
        const single = { mode: 'single', rule } as const;
        expect(afterwards(single, evaluation(0, 96, { winRate }), 'start').serves).toBe(false);
      }
    }
  });
});
