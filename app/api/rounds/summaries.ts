import { type Evaluation, evaluationsOf } from '@/db/metrics';
import { listPolicies } from '@/db/policies';
import type { Round } from '@/db/rounds';
import { listRuns } from '@/db/runs';
import { listPeople } from '@/db/users';
import { listWorkers } from '@/db/workers';
import { isFinished } from '@/lib/rounds';
import type { PolicyRef, RoundSummary, TrainerState } from './schema';

/** Rounds with the names of what they refer to. */
export async function summarize(rounds: readonly Round[]): Promise<RoundSummary[]> {
  const [runs, policies, people, evaluations] = await Promise.all([
    listRuns(),
    listPolicies(),
    listPeople(),
    evaluationsOf(),
  ]);
  const runById = new Map(runs.map((run) => [run.id, run]));
  const policyById = new Map(policies.map((policy) => [policy.id, policy]));
  const personById = new Map(people.map((person) => [person.id, person]));

  const policyRef = (id: string): PolicyRef => ({ id, name: policyById.get(id)?.name ?? id });

  return rounds.map((round) => {
    const { id, ordinal, state, error, progress, createdAt, finishedAt } = round;
    const run = runById.get(round.runId)!;
    return {
      id,
      ordinal,
      state,
      held: !isFinished(state) && (round.paused || run.status === 'paused'),
      imported: round.manifest?.imports !== undefined,
      error,
      run: {
        id: run.id,
        name: run.name,
        mode: run.mode,
        method: run.method,
        pipeline: run.pipeline,
        status: run.status,
        startedBy: run.createdBy && (personById.get(run.createdBy)?.name ?? null),
      },
      startPolicy: policyRef(round.startPolicyId),
      resultPolicy: round.resultPolicyId ? policyRef(round.resultPolicyId) : null,
      progress,
      result: measured(evaluations, round.resultPolicyId, round.id),
      createdAt,
      finishedAt,
    };
  });
}

/** The newest measurement of a policy; one made in the round itself goes first. */
export function measured(
  evaluations: readonly Evaluation[],
  policyId: string | null,
  roundId: string | null,
): RoundSummary['result'] {
  const found =
    measuredIn(evaluations, policyId, roundId) ??
    evaluations.find((evaluation) => evaluation.policyId === policyId);
  if (!found) return null;
  // Numbers of single images are for the pages that show them.
  const { rewards: _, ...summary } = found.summary;
  return summary;
}

/** What a round's reward says of single evaluation images, by sample; empty where it follows none. */
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
