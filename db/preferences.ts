import { and, count, eq, gt, isNull, ne } from 'drizzle-orm';
import type { Answer } from '@/lib/answers';
import { AppError } from '@/lib/errors';
import { acceptsPreferences } from '@/lib/rounds';
import { type LeasedPair, leasedPairIn } from './leased-pair';
import { countAnswers } from './round-answers';
import { type Round, roundIn } from './round-decisions';
import { mergeProgress } from './rounds';
import type { Pair } from './samples';
import { leases, pairs, preferences, samples, skips } from './schema/labels';
import { user } from './schema/people';
import { immediate, type Transaction } from './transaction';

export type Preference = typeof preferences.$inferSelect;

/** What became of an answer. Everything but 'accepted' says plainly that it does not count. */
export type SubmitResult =
  /** On disk. `duplicate`: it was already. It can be undone until `undoUntil`, ms. */
  | { status: 'accepted'; preferenceId: string; undoUntil: number; duplicate: boolean }
  /** This very answer was undone before. */
  | { status: 'undone'; preferenceId: string }
  /** The same person has answered this pair in another tab. */
  | { status: 'already-answered'; preferenceId: string }
  /** The lease had lapsed and others have meanwhile given all answers wanted. */
  | { status: 'pair-complete' }
  /** The round stopped taking answers. */
  | { status: 'withdrawn' };

/**
 * Undone: the pair is back with its annotator, with the same sides; null when someone else is judging
 * it meanwhile. Too late: the window has passed or the round stopped taking answers.
 */
export type UndoResult = { status: 'undone'; pair: LeasedPair | null } | { status: 'too-late' };

function ownLease(tx: Transaction, leaseId: string, annotatorId: string) {
  const row = tx
    .select({ lease: leases, pair: pairs })
    .from(leases)
    .innerJoin(pairs, eq(pairs.id, leases.pairId))
    .where(and(eq(leases.id, leaseId), eq(leases.annotatorId, annotatorId)))
    .get();
  if (!row) {
    throw new AppError(
      'not-found',
      `You hold no lease ${leaseId}. Ask for the next pair and answer that one.`,
    );
  }
  return row;
}

function refuseIfPaused(tx: Transaction, annotatorId: string): void {
  const person = tx.select().from(user).where(eq(user.id, annotatorId)).get();
  if (person && person.pausedAt !== null) {
    throw new AppError('paused', 'A reviewer has paused your account; this answer was not stored.');
  }
}

function standingAnswers(tx: Transaction, pairId: string): Preference[] {
  return tx
    .select()
    .from(preferences)
    .where(and(eq(preferences.pairId, pairId), isNull(preferences.supersededAt)))
    .all();
}

function endLease(tx: Transaction, leaseId: string, now: number): void {
  tx.update(leases).set({ releasedAt: now }).where(eq(leases.id, leaseId)).run();
}

function ownSkip(pairId: string, annotatorId: string) {
  return and(eq(skips.pairId, pairId), eq(skips.annotatorId, annotatorId));
}

/**
 * Gives a pair back to its annotator, unless they have dealt with it again since, or others' answers
 * and live leases fill it.
 */
function reopenLease(
  tx: Transaction,
  { leaseId, annotatorId, pair }: { leaseId: string; annotatorId: string; pair: Pair },
  round: Round,
  now: number,
): LeasedPair | null {
  const standing = standingAnswers(tx, pair.id);
  const held = tx
    .select({ n: count() })
    .from(leases)
    .where(
      and(
        eq(leases.pairId, pair.id),
        ne(leases.annotatorId, annotatorId),
        isNull(leases.releasedAt),
        gt(leases.expiresAt, now),
      ),
    )
    .get()!;
  const answeredAgain = standing.some((preference) => preference.annotatorId === annotatorId);
  const skipped = tx.select().from(skips).where(ownSkip(pair.id, annotatorId)).get();
  if (answeredAgain || skipped || standing.length + held.n >= pair.target) return null;
  const expiresAt = now + round.config.labeling.leaseSeconds * 1000;
  tx.update(leases).set({ releasedAt: null, expiresAt }).where(eq(leases.id, leaseId)).run();
  return leasedPairIn(tx, leaseId);
}

function recount(tx: Transaction, round: Round, pair: Pair, now: number): void {
  if (pair.purpose !== 'training') return;
  mergeProgress(tx, round, { labeled: countAnswers(tx, round, now) }, now);
}

function undoUntil(createdAt: number, round: Round): number {
  return createdAt + round.config.labeling.undoWindowSeconds * 1000;
}

/** What a known id stands for: sending an answer again changes nothing. */
function repeated(tx: Transaction, known: Preference, annotatorId: string): SubmitResult {
  if (known.annotatorId !== annotatorId) {
    throw new AppError('conflict', `The answer id ${known.id} is taken. Make a new random one.`);
  }
  if (known.supersededAt !== null) return { status: 'undone', preferenceId: known.id };
  const pair = tx.select().from(pairs).where(eq(pairs.id, known.pairId)).get()!;
  return {
    status: 'accepted',
    preferenceId: known.id,
    undoUntil: undoUntil(known.createdAt, roundIn(tx, pair.roundId)),
    duplicate: true,
  };
}

/**
 * Stores an answer in one immediate transaction and returns when it is on disk. `id` is made by the
 * client: a retry of the same id stores nothing new. An answer whose lease has lapsed still counts
 * while its pair has room. `shownAtMs` and `decidedAtMs` are the client's clock.
 * Throws 'not-found' for someone else's lease, 'paused' for a paused annotator.
 */
export async function submitPreference(input: {
  id: string;
  leaseId: string;
  annotatorId: string;
  answer: Answer;
  shownAtMs: number;
  decidedAtMs: number;
  guidelinesVersion: number | null;
  now?: number;
}): Promise<SubmitResult> {
  const { id, leaseId, annotatorId, answer, now = Date.now() } = input;
  return immediate((tx) => {
    const known = tx.select().from(preferences).where(eq(preferences.id, id)).get();
    if (known) return repeated(tx, known, annotatorId);
    refuseIfPaused(tx, annotatorId);
    const { lease, pair } = ownLease(tx, leaseId, annotatorId);
    const standing = standingAnswers(tx, pair.id);
    const own = standing.find((preference) => preference.annotatorId === annotatorId);
    if (own) return { status: 'already-answered', preferenceId: own.id };
    if (pair.state === 'withdrawn') return { status: 'withdrawn' };
    if (standing.length >= pair.target) {
      endLease(tx, leaseId, now);
      return { status: 'pair-complete' };
    }
    const left = tx.select().from(samples).where(eq(samples.id, lease.leftSampleId)).get()!;
    tx.insert(preferences)
      .values({
        id,
        pairId: pair.id,
        annotatorId,
        leaseId,
        answer,
        leftSampleId: lease.leftSampleId,
        rightSampleId: lease.rightSampleId,
        policyId: left.policyId,
        purpose: pair.purpose,
        guidelinesVersion: input.guidelinesVersion,
        shownAtMs: input.shownAtMs,
        decidedAtMs: input.decidedAtMs,
        decisionMs: Math.max(0, input.decidedAtMs - input.shownAtMs),
        createdAt: now,
      })
      .run();
    endLease(tx, leaseId, now);
    // From another tab, perhaps: an answer overrides one's own skip.
    tx.delete(skips).where(ownSkip(pair.id, annotatorId)).run();
    if (standing.length + 1 >= pair.target) {
      tx.update(pairs).set({ state: 'complete' }).where(eq(pairs.id, pair.id)).run();
    }
    const round = roundIn(tx, pair.roundId);
    recount(tx, round, pair, now);
    return {
      status: 'accepted',
      preferenceId: id,
      undoUntil: undoUntil(now, round),
      duplicate: false,
    };
  });
}

/**
 * Takes an answer back within the undo window: it is kept as superseded, and the pair goes back to
 * the same person with the same sides. Undoing again changes nothing more.
 */
export async function undoPreference({
  preferenceId,
  annotatorId,
  now = Date.now(),
}: {
  preferenceId: string;
  annotatorId: string;
  now?: number;
}): Promise<UndoResult> {
  return immediate((tx) => {
    const preference = tx.select().from(preferences).where(eq(preferences.id, preferenceId)).get();
    if (!preference || preference.annotatorId !== annotatorId) {
      throw new AppError('not-found', `You have given no answer ${preferenceId}.`);
    }
    const pair = tx.select().from(pairs).where(eq(pairs.id, preference.pairId)).get()!;
    const round = roundIn(tx, pair.roundId);
    // Training reads answers from before the window, so the two can never both have an answer.
    const tooLate = now >= undoUntil(preference.createdAt, round);
    if (tooLate || pair.state === 'withdrawn') return { status: 'too-late' };
    if (pair.purpose !== 'evaluation' && !acceptsPreferences(round.state)) {
      return { status: 'too-late' };
    }
    if (preference.supersededAt === null) {
      tx.update(preferences)
        .set({ supersededAt: now })
        .where(eq(preferences.id, preferenceId))
        .run();
      tx.update(pairs).set({ state: 'open' }).where(eq(pairs.id, pair.id)).run();
      recount(tx, round, pair, now);
    }
    const { leaseId } = preference;
    return {
      status: 'undone',
      pair: reopenLease(tx, { leaseId, annotatorId, pair }, round, now),
    };
  });
}

/**
 * Puts a pair aside for good: it is not offered to this person again. Nothing happens when they have
 * skipped or answered it already.
 */
export async function skipPair({
  leaseId,
  annotatorId,
  now = Date.now(),
}: {
  leaseId: string;
  annotatorId: string;
  now?: number;
}): Promise<void> {
  await immediate((tx) => {
    const { pair } = ownLease(tx, leaseId, annotatorId);
    const standing = standingAnswers(tx, pair.id);
    if (standing.some((preference) => preference.annotatorId === annotatorId)) return;
    tx.insert(skips)
      .values({ pairId: pair.id, annotatorId, createdAt: now })
      .onConflictDoNothing()
      .run();
    endLease(tx, leaseId, now);
  });
}

/** Takes a skip back: the pair returns to the same person with the same sides. */
export async function undoSkip({
  leaseId,
  annotatorId,
  now = Date.now(),
}: {
  leaseId: string;
  annotatorId: string;
  now?: number;
}): Promise<UndoResult> {
  return immediate((tx) => {
    const { pair } = ownLease(tx, leaseId, annotatorId);
    if (pair.state === 'withdrawn') return { status: 'too-late' };
    tx.delete(skips).where(ownSkip(pair.id, annotatorId)).run();
    const round = roundIn(tx, pair.roundId);
    return {
      status: 'undone',
      pair: reopenLease(tx, { leaseId, annotatorId, pair }, round, now),
    };
  });
}
