import type { EvaluationSummary } from './metrics';
import type { RunMode } from './runs';
import type { RunSettings } from './settings/groups';
import { winRate } from './statistics/proportion';

type Rule = RunSettings['serving']['rule'];

/** What becomes of a round's policy when the round is done. */
export interface Afterwards {
  /** Whether it is served. */
  serves: boolean;
  /**
   * Whether the next round of its run starts from it, served or not; else from what is served then.
   */
  goesOn: boolean;
}

/**
 * What a rule makes of an evaluation. A single round serves nothing. 'better' serves what beats the
 * policy that is served beyond chance: the whole 95 % interval of its win rate lies above one half.
 * A run goes on from its policy unless that is worse than what it came from beyond chance, so that
 * small steps add up. What rose at the cost of something else is neither served nor gone on from.
 * @param servedId what is served by now
 */
export function afterwards(
  { mode, rule }: { mode: RunMode; rule: Rule },
  evaluation: { summary: EvaluationSummary; comparedToPolicyId: string | null } | null,
  servedId: string,
): Afterwards {
  if (mode === 'single' || rule === 'manual') return { serves: false, goesOn: false };
  if (rule === 'always') return { serves: true, goesOn: true };
  if (evaluation === null) return { serves: false, goesOn: true };
  const { summary, comparedToPolicyId } = evaluation;
  if (summary.alarms?.length) return { serves: false, goesOn: false };
  const against = comparedToPolicyId === servedId ? summary.winRate : null;
  const won = summary.served?.policyId === servedId ? summary.served.winRate : against;
  const [ofServed, ofStart] = [won, summary.winRate].map((record) => record && winRate(record));
  return {
    serves: ofServed ? ofServed.low > 0.5 : false,
    goesOn: ofStart ? ofStart.high >= 0.5 : true,
  };
}

/** What a run will serve, in a sentence. */
export function servingSentence({ mode, rule }: { mode: RunMode; rule: Rule }): string {
  if (mode === 'single') {
    return 'A single round serves nothing by itself: its policy is served when a researcher says so, under Policies.';
  }
  return {
    better:
      'A round’s policy is served by itself only if it beats the one that is served beyond chance; until then the run goes on from it, unless it got worse.',
    always: 'Every round’s policy is served by itself, better or not.',
    manual:
      'Nothing is served by itself: each round starts from what a researcher serves, under Policies.',
  }[rule];
}
