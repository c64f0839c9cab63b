import type { ListedRound } from '@/db/rounds/list';
import { measurementsOf } from '@/db/rounds/measurements';
import type { Evaluation } from '@/db/rounds/metrics';
import { placesInQueue } from '@/db/work/places';
import { listWorkers } from '@/db/work/workers';
import type { DeclaredJudge } from '@/lib/judges/judging';
import { isFinished } from '@/lib/rounds';
import type { RoundSummary, TrainerState } from '../../api/rounds/schema';
import { showEvaluation } from '../evaluations/show';

/** Rounds with what was measured of the policies that they made. @param judges by pipeline */
export async function summarize(
  rounds: readonly ListedRound[],
  judges: ReadonlyMap<string, DeclaredJudge>,
): Promise<RoundSummary[]> {
  const results = await measurementsOf(
    rounds.map(({ id, resultPolicy }) => ({ policyId: resultPolicy?.id ?? null, roundId: id })),
  );
  const places = await placesInQueue();
  return rounds.map(({ paused, ...round }, i) => ({
    ...round,
    ahead: places.get(round.id) ?? null,
    held: !isFinished(round.state) && (paused || round.run.status === 'paused'),
    result: showEvaluation(results[i] ?? null, judges.get(round.run.pipeline) ?? null),
  }));
}

/**
 * What a round's reward says of single evaluation images, by sample; empty where it follows none.
 */
export function rewardsIn(
  evaluations: readonly Evaluation[],
  policyId: string | null,
  roundId: string | null,
): Record<string, number> {
  return measuredIn(evaluations, policyId, roundId)?.summary.rewards ?? {};
}

/** What a round itself measured of a policy. */
export function measuredIn(
  evaluations: readonly Evaluation[],
  policyId: string | null,
  roundId: string | null,
): Evaluation | undefined {
  return evaluations.find(
    (evaluation) => evaluation.policyId === policyId && evaluation.roundId === roundId,
  );
}

/** Whether somebody is there to do the rounds' work. */
export async function trainerState(): Promise<TrainerState> {
  const workers = await listWorkers();
  const latest = workers.find(({ alive }) => alive) ?? workers.at(-1);
  return {
    alive: latest?.alive ?? false,
    device: latest?.device ?? null,
    host: latest?.host ?? null,
  };
}
