import { and, asc, desc, eq, gte, isNull } from 'drizzle-orm';
import {
  type EvaluationSummary,
  evaluationSummarySchema,
  type TrainMetrics,
  trainMetricsSchema,
} from '@/lib/metrics';
import { db } from '../client';
import { recordEvent } from '../events';
import { derivedId } from '../ids';
import { evaluations, trainSteps } from '../schema/rounds';
import { change, immediate, one } from '../transaction';

export type TrainStep = typeof trainSteps.$inferSelect;
export type Evaluation = typeof evaluations.$inferSelect;

/** `timestep` null: the mean over the step's timesteps, which curves show. */
export interface NewTrainStep {
  step: number;
  timestep: number | null;
  metrics: TrainMetrics;
}

/**
 * Logs training steps of a round. Whatever was logged from the first of these steps on is replaced:
 * a trainer that resumes from a checkpoint repeats the steps after it.
 */
export async function recordTrainSteps(
  roundId: string,
  steps: readonly NewTrainStep[],
): Promise<void> {
  if (steps.length === 0) return;
  const parsed = steps.map((step) => ({
    ...step,
    metrics: trainMetricsSchema.parse(step.metrics),
  }));
  const first = Math.min(...parsed.map(({ step }) => step));
  const createdAt = Date.now();
  await immediate(function* (tx) {
    yield* change(
      tx
        .delete(trainSteps)
        .where(and(eq(trainSteps.roundId, roundId), gte(trainSteps.step, first))),
    );
    for (const step of parsed) {
      yield* change(tx.insert(trainSteps).values({ roundId, ...step, createdAt }));
      if (step.timestep === null) {
        yield* recordEvent(tx, { kind: 'train-step', payload: step, roundId }, createdAt);
      }
    }
  });
}

/** A round's curve: one row per step, or, with `perTimestep`, every timestep of every step. */
export async function trainStepsOf(
  roundId: string,
  { perTimestep = false }: { perTimestep?: boolean } = {},
): Promise<TrainStep[]> {
  return db()
    .select()
    .from(trainSteps)
    .where(
      and(eq(trainSteps.roundId, roundId), perTimestep ? undefined : isNull(trainSteps.timestep)),
    )
    .orderBy(asc(trainSteps.step), asc(trainSteps.id))
    .all();
}

/** Stores what was measured of a policy; measuring again in the same round replaces it. */
export async function recordEvaluation(input: {
  roundId: string | null;
  policyId: string;
  comparedToPolicyId: string | null;
  /** How its images were drawn (lib/drawings.ts), where that is known. */
  drawing?: string;
  summary: EvaluationSummary;
}): Promise<Evaluation> {
  const row = {
    ...input,
    id: derivedId('evaluation', input.roundId ?? 'none', input.policyId),
    summary: evaluationSummarySchema.parse(input.summary),
    createdAt: Date.now(),
  };
  // Of single images pages ask when they show them.
  const { rewards: _, ...summary } = row.summary;
  return immediate(function* (tx) {
    yield* recordEvent(tx, {
      kind: 'evaluation',
      payload: { policyId: input.policyId, summary },
      roundId: input.roundId,
    });
    return yield* one(
      tx
        .insert(evaluations)
        .values(row)
        .onConflictDoUpdate({ target: evaluations.id, set: row })
        .returning(),
    );
  });
}

/**
 * Evaluations of a round or of a policy, newest first; of one instant, that of the newer policy.
 */
export async function evaluationsOf({
  roundId,
  policyId,
}: {
  roundId?: string;
  policyId?: string;
} = {}): Promise<Evaluation[]> {
  return db()
    .select()
    .from(evaluations)
    .where(
      and(
        roundId === undefined ? undefined : eq(evaluations.roundId, roundId),
        policyId === undefined ? undefined : eq(evaluations.policyId, policyId),
      ),
    )
    .orderBy(desc(evaluations.createdAt), desc(evaluations.comparedToPolicyId))
    .all();
}
