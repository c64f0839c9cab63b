import type { EvaluationSummary } from './metrics';
import type { RunSettings } from './settings/groups';
import { winRate } from './statistics/proportion';

/**
 * Whether a round's policy is served when the round is done. 'not-worse' refuses it only when the
 * whole 95 % interval of its win rate against the policy it came from lies below one half, or when
 * its reward rose at the cost of something else.
 */
export function shouldServe(
  rule: RunSettings['serving']['rule'],
  evaluation: EvaluationSummary | null,
): boolean {
  if (rule !== 'not-worse') return rule === 'always';
  if (evaluation?.alarms?.length) return false;
  const interval = evaluation?.winRate ? winRate(evaluation.winRate) : null;
  return interval === null || interval.high >= 0.5;
}
