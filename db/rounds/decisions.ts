/**
 * @file What moves a round from state to state, within one transaction each. Only rounds.ts,
 * runs.ts and work.ts call these.
 */
import { and, eq, inArray, isNull, sql } from 'drizzle-orm';
import { asksPeople, sourceOf } from '@/lib/methods';
import {
  acceptsPreferences,
  assertTransition,
  isFinished,
  type RoundState,
  workOf,
} from '@/lib/rounds';
import type { RunStatus } from '@/lib/runs';
import { afterwards } from '@/lib/serving';
import { preferencesWanted, samplesWanted } from '@/lib/settings/run-config';
import type { TrainingData } from '../answers/training-data';
import { recordEvent } from '../events';
import { newId } from '../ids';
import { type Served, servedIn, serveIn, servingIn } from '../policies/aliases';
import { groupLeases } from '../schema/group-leases';
import { groups, leases, pairs } from '../schema/labels';
import { evaluations, type Round, type Run, rounds, runs } from '../schema/rounds';
import { change, one, type Steps, type Transaction } from '../transaction';
import { cancelWork, queueWork } from '../work/enqueue';
import { runIn } from './rows';

export function* setRunStatus(
  tx: Transaction,
  run: Run,
  status: RunStatus,
  now: number,
): Steps<void> {
  if (run.status === status) return;
  yield* change(tx.update(runs).set({ status }).where(eq(runs.id, run.id)));
  yield* recordEvent(tx, { kind: 'run', payload: { runId: run.id, status }, roundId: null }, now);
}

/** What a trainer has to do in a state, if anything. */
function* queueWorkOf(
  tx: Transaction,
  roundId: string,
  state: RoundState,
  now: number,
): Steps<void> {
  const kind = workOf(state);
  if (kind) yield* queueWork(tx, { kind, roundId }, now);
}

export function* announceRound(tx: Transaction, round: Round, now: number): Steps<void> {
  yield* recordEvent(
    tx,
    {
      kind: 'round',
      payload: {
        runId: round.runId,
        state: round.state,
        paused: round.paused,
        error: round.error,
      },
      roundId: round.id,
    },
    now,
  );
}

/** Whoever comes first freezes it. */
const nobody = { token: '', at: 0 };

/**
 * Opens the next round of a run, from a given policy or from the one served. Where the method
 * learns from the archive, the round waits in training until that is frozen (`freezeOpened` in
 * rounds.ts). @param freezer who does that at once, if anybody
 */
export function* openRound(
  tx: Transaction,
  run: Run,
  ordinal: number,
  now: number,
  startPolicyId?: string,
  freezer = nobody,
): Steps<Round> {
  const asked = asksPeople(run.method);
  const first = asked ? 'sampling' : 'training';
  const freezing = sourceOf(run.method) === 'archive' ? freezer : null;
  const round = yield* one(
    tx
      .insert(rounds)
      .values({
        id: newId(),
        runId: run.id,
        ordinal,
        state: first,
        startPolicyId: startPolicyId ?? (yield* servingIn(tx, run.pipeline)).id,
        config: run.config,
        progress: {
          sampled: 0,
          samplesWanted: asked ? samplesWanted(run.config) : 0,
          labeled: 0,
          preferencesWanted: asked ? preferencesWanted(run.config) : 0,
          trainedSteps: 0,
          trainSteps: 0,
          evaluated: 0,
          evaluationsWanted: run.config.evaluation.images,
          etaSeconds: null,
        },
        freezing,
        createdAt: now,
        startedAt: now,
      })
      .returning(),
  );
  if (!freezing) yield* queueWorkOf(tx, round.id, first, now);
  yield* announceRound(tx, round, now);
  return round;
}

/**
 * What a round on the archive trains on is frozen: its training can begin, or it has failed, and
 * its error says why.
 */
export function* beginOnArchive(
  tx: Transaction,
  opened: Round,
  { data, problem }: { data: TrainingData; problem: string | null },
  now: number,
): Steps<void> {
  const round = yield* one(
    tx
      .update(rounds)
      .set({ manifest: { ...opened.manifest, trainingData: data } })
      .where(eq(rounds.id, opened.id))
      .returning(),
  );
  if (problem) {
    yield* failRound(tx, round, problem, now);
  } else {
    yield* queueWorkOf(tx, round.id, round.state, now);
    yield* announceRound(tx, round, now);
  }
}

/** Pairs withdrawn in one transaction: 25 ms. */
const withdrawnAtOnce = 5_000;

/**
 * Withdraws open pairs of a round that takes no more answers, so many at a time; returns how many.
 * Nobody is served the others meanwhile, since the round's state is asked, too.
 */
export function* withdrawPairs(tx: Transaction, roundId: string): Steps<number> {
  const open = tx
    .select({ id: pairs.id })
    .from(pairs)
    .where(
      and(
        eq(pairs.roundId, roundId),
        // Literals, so that the index of open pairs serves.
        sql`${pairs.state} = 'open'`,
        inArray(pairs.purpose, ['training', 'gold']),
      ),
    )
    .limit(withdrawnAtOnce);
  return (yield* change(
    tx.update(pairs).set({ state: 'withdrawn' }).where(inArray(pairs.id, open)),
  )).changes;
}

/** Their images come from a policy that is about to be replaced, or that nobody trains any more. */
function* withdraw(tx: Transaction, roundId: string, now: number): Steps<void> {
  // Live leases are few and have an index; the pairs of a round may be many.
  const isOfRound = sql`(select ${pairs.roundId} from ${pairs} where ${pairs.id} = ${leases.pairId}
    and ${pairs.purpose} <> 'evaluation') = ${roundId}`;
  yield* change(
    tx
      .update(leases)
      .set({ releasedAt: now })
      .where(and(isNull(leases.releasedAt), isOfRound)),
  );
  yield* withdrawPairs(tx, roundId);
  const ofRound = tx.select({ id: groups.id }).from(groups).where(eq(groups.roundId, roundId));
  yield* change(
    tx
      .update(groupLeases)
      .set({ releasedAt: now })
      .where(and(inArray(groupLeases.groupId, ofRound), isNull(groupLeases.releasedAt))),
  );
}

/** Moves a round to another state, with everything that goes with it. Throws 'conflict'. */
export function* moveRound(
  tx: Transaction,
  round: Round,
  to: RoundState,
  now: number,
  patch: Partial<Pick<Round, 'error' | 'resultPolicyId' | 'manifest'>> = {},
): Steps<Round> {
  assertTransition(round.state, to);
  const moved = yield* one(
    tx
      .update(rounds)
      .set({
        ...patch,
        state: to,
        lookAt: to === 'labeling' ? now : null,
        finishedAt: isFinished(to) ? now : null,
        progress: { ...round.progress, etaSeconds: null },
      })
      .where(eq(rounds.id, round.id))
      .returning(),
  );
  if (acceptsPreferences(round.state) && !acceptsPreferences(to)) {
    yield* withdraw(tx, round.id, now);
  }
  if (to === 'cancelled') yield* cancelWork(tx, { roundId: round.id });
  yield* queueWorkOf(tx, round.id, to, now);
  yield* announceRound(tx, moved, now);
  return moved;
}

/** Stops a round and its run with a message that says what happened and what to do. */
export function* failRound(tx: Transaction, round: Round, error: string, now: number): Steps<void> {
  yield* moveRound(tx, round, 'failed', now, { error });
  yield* setRunStatus(tx, yield* runIn(tx, round.runId), 'failed', now);
}

/**
 * Why a round's answers make no training pair, and what to do: answers held back may be what is
 * missing.
 */
function nothingToTrainOn({ answers, heldBack }: TrainingData): string {
  const none = (what: string) =>
    `None of the ${answers - heldBack} answers ${what}prefers one image over another, so there is nothing to train on.`;
  if (heldBack === 0) return `${none('')} Resume the run to draw new pairs.`;
  return `${none('that count ')} ${heldBack} more are held back, because whoever gave them is paused. Let them label again on People if their answers are to count, and resume the run to draw new pairs.`;
}

/** Ends labeling, the answers being frozen: queues the training, or fails if they say nothing. */
export function* startTraining(
  tx: Transaction,
  round: Round,
  trainingData: TrainingData,
  now: number,
): Steps<void> {
  if (trainingData.trainingPairs === 0) {
    yield* failRound(tx, round, nothingToTrainOn(trainingData), now);
    return;
  }
  yield* moveRound(tx, round, 'training', now, { manifest: { ...round.manifest, trainingData } });
}

/**
 * Whether somebody has chosen what is served since a round began: then they want the next one to
 * start from that.
 */
function isChosen(served: Served, round: Round): boolean {
  return served.setBy !== null && served.setAt > round.createdAt;
}

/**
 * Where a run that stopped after a round goes on: where that round began, if its policies are not
 * served one by one; undefined: from what is served.
 */
export function* resumesFrom(tx: Transaction, run: Run, last: Round): Steps<string | undefined> {
  if (last.config.serving.rule !== 'better') return undefined;
  return isChosen(yield* servedIn(tx, run.pipeline), last) ? undefined : last.startPolicyId;
}

/**
 * Ends a round whose policy has been evaluated: serves it by the rule, then goes on, from it or
 * from what is served, or ends the run.
 */
export function* completeRound(tx: Transaction, round: Round, now: number): Steps<void> {
  const done = yield* moveRound(tx, round, 'done', now);
  const run = yield* runIn(tx, round.runId);
  const evaluation = yield* one(
    tx
      .select()
      .from(evaluations)
      .where(
        and(eq(evaluations.roundId, round.id), eq(evaluations.policyId, done.resultPolicyId!)),
      ),
  );
  const made = done.resultPolicyId!;
  const served = yield* servedIn(tx, run.pipeline);
  const { rule } = round.config.serving;
  const after = afterwards({ mode: run.mode, rule }, evaluation ?? null, served.policyId);
  if (after.serves) yield* serveIn(tx, made, null, now);
  const from = after.goesOn && !isChosen(served, round) ? made : undefined;
  const { maxRounds } = run.config.serving;
  const more = run.mode === 'online' && (maxRounds === 0 || round.ordinal < maxRounds);
  // Another round would start where this one did, and do the same again: a person has to look
  // first.
  if (more && evaluation?.summary.alarms?.length) yield* setRunStatus(tx, run, 'paused', now);
  else if (more) yield* openRound(tx, run, round.ordinal + 1, now, from);
  else yield* setRunStatus(tx, run, 'done', now);
}
