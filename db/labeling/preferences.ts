import { and, asc, eq, gt, isNull, ne, sql } from 'drizzle-orm';
import { type Answer, decisionMs } from '@/lib/answers';
import { AppError } from '@/lib/errors';
import { pairsInHand, undoneMax } from '@/lib/leases';
import { acceptsPreferences } from '@/lib/rounds';
import { lookWhetherSure } from '../comparisons/end';
import { type DrawnPair, drawn } from '../leases/drawn';
import { type LeasedPair, leasedPairIn } from '../leases/leased-pair';
import { labelingOf } from '../leases/open-rounds';
import { liveLeases } from '../leases/pair-leases';
import { addToTally, ensureTallies } from '../leases/tallies';
import { prepared } from '../prepared';
import { noteLook } from '../rounds/look';
import { addLabeled } from '../rounds/rounds';
import { roundIn } from '../rounds/rows';
import { leases, pairs, preferences, samples, skips } from '../schema/labels';
import { user } from '../schema/people';
import { rounds } from '../schema/rounds';
import { all, change, immediate, one, type Steps, type Transaction } from '../transaction';

type JudgedPair = Pick<DrawnPair, 'id' | 'roundId' | 'purpose' | 'target'>;

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
  /** The round stopped taking answers, or people are asked no more which version is better. */
  | { status: 'withdrawn' };

/**
 * Undone: the pair is back with its annotator, with the same sides; null when someone else is
 * judging it meanwhile. Too late: the window has passed or the round stopped taking answers.
 */
export type UndoResult = { status: 'undone'; pair: LeasedPair | null } | { status: 'too-late' };

const placeholderOf = {
  leaseId: sql.placeholder('leaseId'),
  annotatorId: sql.placeholder('annotatorId'),
};

const leaseOf = prepared((database) =>
  database
    .select({
      leftSampleId: leases.leftSampleId,
      rightSampleId: leases.rightSampleId,
      policyId: samples.policyId,
      expiresAt: leases.expiresAt,
      releasedAt: leases.releasedAt,
      pausedAt: user.pausedAt,
      roundState: rounds.state,
      pair: {
        id: pairs.id,
        roundId: rounds.id,
        purpose: pairs.purpose,
        state: pairs.state,
        target: pairs.target,
      },
    })
    .from(leases)
    .innerJoin(pairs, eq(pairs.id, leases.pairId))
    .innerJoin(rounds, eq(rounds.id, pairs.roundId))
    .innerJoin(samples, eq(samples.id, leases.leftSampleId))
    .innerJoin(user, eq(user.id, leases.annotatorId))
    .where(
      and(eq(leases.id, placeholderOf.leaseId), eq(leases.annotatorId, placeholderOf.annotatorId)),
    )
    .prepare(),
);

function* ownLease(leaseId: string, annotatorId: string) {
  const lease = yield* one(leaseOf, { leaseId, annotatorId });
  if (lease) {
    const { roundState, ...own } = lease;
    // Pairs of a round that has stopped taking answers are withdrawn by and by.
    const { purpose, state } = own.pair;
    const isWithdrawn =
      purpose === 'evaluation'
        ? state === 'withdrawn'
        : state !== 'complete' && !acceptsPreferences(roundState);
    return { ...own, isWithdrawn };
  }
  throw new AppError(
    'not-found',
    `You hold no lease ${leaseId}. Ask for the next pair and answer that one.`,
  );
}

const pausedAtOf = prepared((database) =>
  database
    .select({ pausedAt: user.pausedAt })
    .from(user)
    .where(eq(user.id, placeholderOf.annotatorId))
    .prepare(),
);

function* isPaused(annotatorId: string): Steps<boolean> {
  const person = yield* one(pausedAtOf, { annotatorId });
  return person !== undefined && person.pausedAt !== null;
}

const standingOn = prepared((database) =>
  database
    .select({
      id: preferences.id,
      annotatorId: preferences.annotatorId,
      pausedAt: user.pausedAt,
    })
    .from(preferences)
    .innerJoin(user, eq(user.id, preferences.annotatorId))
    .where(and(eq(preferences.pairId, sql.placeholder('pairId')), isNull(preferences.supersededAt)))
    .prepare(),
);

/**
 * Answers to a pair that nobody has taken back: `own` is this person's, `counted` leaves out those
 * held back.
 */
function* standingAnswers(pairId: string, annotatorId: string) {
  const standing = yield* all(standingOn, { pairId });
  return {
    own: standing.find((preference) => preference.annotatorId === annotatorId),
    counted: standing.filter(({ pausedAt }) => pausedAt === null).length,
  };
}

const releaseLease = prepared((database) =>
  database
    .update(leases)
    .set({ releasedAt: sql`${sql.placeholder('now')}` })
    .where(eq(leases.id, placeholderOf.leaseId))
    .prepare(),
);

function* endLease(leaseId: string, now: number): Steps<void> {
  yield* change(releaseLease, { leaseId, now });
}

/** Others' live leases on a pair at `now` (ms), in the order in which they were served. */
function* othersLeases(
  tx: Transaction,
  { pairId, annotatorId, now }: { pairId: string; annotatorId: string; now: number },
): Steps<{ id: string }[]> {
  return yield* all(
    tx
      .select({ id: leases.id })
      .from(leases)
      .where(
        and(
          eq(leases.pairId, pairId),
          ne(leases.annotatorId, annotatorId),
          isNull(leases.releasedAt),
          gt(leases.expiresAt, now),
        ),
      )
      .orderBy(asc(leases.servedAt)),
  );
}

function ownSkip(pairId: string, annotatorId: string) {
  return and(eq(skips.pairId, pairId), eq(skips.annotatorId, annotatorId));
}

/**
 * Gives a pair back to its annotator, unless they have dealt with it again since, others' answers
 * and live leases fill it, or they hold more than a page can show.
 */
function* reopenLease(
  tx: Transaction,
  { leaseId, annotatorId, pair }: { leaseId: string; annotatorId: string; pair: JudgedPair },
  now: number,
): Steps<LeasedPair | null> {
  const { own, counted } = yield* standingAnswers(pair.id, annotatorId);
  const held = yield* othersLeases(tx, { pairId: pair.id, annotatorId, now });
  const skipped = yield* one(tx.select().from(skips).where(ownSkip(pair.id, annotatorId)));
  if (own || skipped || counted + held.length >= pair.target) return null;
  const others = (yield* liveLeases(annotatorId, now)).filter(({ id }) => id !== leaseId);
  if (others.length >= pairsInHand + undoneMax) return null;
  const expiresAt = now + (yield* labelingOf(pair.roundId)).leaseSeconds * 1000;
  yield* change(
    tx.update(leases).set({ releasedAt: null, expiresAt }).where(eq(leases.id, leaseId)),
  );
  return yield* leasedPairIn(leaseId);
}

/** Keeps what is counted, when an answer came (1) or was taken back (-1). */
function* countAnswer(
  tx: Transaction,
  { roundId, purpose }: JudgedPair,
  { annotatorId, answers, now }: { annotatorId: string; answers: 1 | -1; now: number },
): Steps<void> {
  yield* addToTally(annotatorId, roundId, { answers });
  if (purpose === 'training' && !(yield* isPaused(annotatorId)))
    yield* addLabeled(tx, roundId, answers, now);
}

function* undoUntil(createdAt: number, roundId: string): Steps<number> {
  return createdAt + (yield* labelingOf(roundId)).undoWindowSeconds * 1000;
}

const preferenceOf = prepared((database) =>
  database
    .select()
    .from(preferences)
    .where(eq(preferences.id, sql.placeholder('id')))
    .prepare(),
);

const addPreference = prepared((database) =>
  database
    .insert(preferences)
    .values({
      id: sql.placeholder('id'),
      pairId: sql.placeholder('pairId'),
      annotatorId: sql.placeholder('annotatorId'),
      leaseId: sql.placeholder('leaseId'),
      answer: sql.placeholder('answer'),
      leftSampleId: sql.placeholder('leftSampleId'),
      rightSampleId: sql.placeholder('rightSampleId'),
      policyId: sql.placeholder('policyId'),
      purpose: sql.placeholder('purpose'),
      guidelinesVersion: sql.placeholder('guidelinesVersion'),
      shownAtMs: sql.placeholder('shownAtMs'),
      decidedAtMs: sql.placeholder('decidedAtMs'),
      decisionMs: sql.placeholder('decisionMs'),
      createdAt: sql.placeholder('createdAt'),
    })
    .prepare(),
);

const dropSkip = prepared((database) =>
  database
    .delete(skips)
    .where(
      and(
        eq(skips.pairId, sql.placeholder('pairId')),
        eq(skips.annotatorId, placeholderOf.annotatorId),
      ),
    )
    .prepare(),
);

const complete = prepared((database) =>
  database
    .update(pairs)
    .set({ state: 'complete' })
    .where(eq(pairs.id, sql.placeholder('pairId')))
    .prepare(),
);

/** What a known id stands for: sending an answer again changes nothing. */
function* repeated(tx: Transaction, known: Preference, annotatorId: string): Steps<SubmitResult> {
  if (known.annotatorId !== annotatorId) {
    throw new AppError('conflict', `The answer id ${known.id} is taken. Make a new random one.`);
  }
  if (known.supersededAt !== null) return { status: 'undone', preferenceId: known.id };
  const pair = drawn((yield* one(tx.select().from(pairs).where(eq(pairs.id, known.pairId))))!);
  return {
    status: 'accepted',
    preferenceId: known.id,
    undoUntil: yield* undoUntil(known.createdAt, pair.roundId),
    duplicate: true,
  };
}

/**
 * Stores an answer in one immediate transaction and returns when it is on disk. `id` is made by the
 * client: a retry of the same id stores nothing new. An answer whose lease has lapsed still counts
 * while its pair has room: whoever came to the pair last makes place for it. `shownAtMs` and
 * `decidedAtMs` are the client's clock.
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
  return immediate(function* (tx) {
    const known = yield* one(preferenceOf, { id });
    if (known) return yield* repeated(tx, known, annotatorId);
    const { pair, pausedAt, isWithdrawn, ...lease } = yield* ownLease(leaseId, annotatorId);
    if (pausedAt !== null) {
      throw new AppError(
        'paused',
        'A reviewer has paused your account; this answer was not stored.',
      );
    }
    const { own, counted } = yield* standingAnswers(pair.id, annotatorId);
    if (own) return { status: 'already-answered', preferenceId: own.id };
    if (isWithdrawn) return { status: 'withdrawn' };
    if (counted >= pair.target) {
      yield* endLease(leaseId, now);
      return { status: 'pair-complete' };
    }
    yield* ensureTallies(annotatorId);
    yield* change(addPreference, {
      id,
      pairId: pair.id,
      annotatorId,
      leaseId,
      answer,
      leftSampleId: lease.leftSampleId,
      rightSampleId: lease.rightSampleId,
      policyId: lease.policyId,
      purpose: pair.purpose,
      guidelinesVersion: input.guidelinesVersion,
      shownAtMs: input.shownAtMs,
      decidedAtMs: input.decidedAtMs,
      decisionMs: decisionMs(input),
      createdAt: now,
    });
    yield* endLease(leaseId, now);
    if (lease.releasedAt !== null || lease.expiresAt <= now) {
      // Whoever came last makes place.
      const held = yield* othersLeases(tx, { pairId: pair.id, annotatorId, now });
      for (const { id } of held.slice(pair.target - counted - 1)) yield* endLease(id, now);
    }
    // From another tab, perhaps: an answer overrides one's own skip.
    yield* change(dropSkip, { pairId: pair.id, annotatorId });
    if (counted + 1 >= pair.target) {
      yield* change(complete, { pairId: pair.id });
      if (pair.purpose === 'evaluation') yield* lookWhetherSure(tx, pair.id, now);
    }
    yield* countAnswer(tx, pair, { annotatorId, answers: 1, now });
    return {
      status: 'accepted',
      preferenceId: id,
      undoUntil: yield* undoUntil(now, pair.roundId),
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
  return immediate(function* (tx) {
    const preference = yield* one(
      tx.select().from(preferences).where(eq(preferences.id, preferenceId)),
    );
    if (!preference || preference.annotatorId !== annotatorId) {
      throw new AppError('not-found', `You have given no answer ${preferenceId}.`);
    }
    const pair = drawn(
      (yield* one(tx.select().from(pairs).where(eq(pairs.id, preference.pairId))))!,
    );
    const round = yield* roundIn(tx, pair.roundId);
    // Training reads answers from before the window, so the two can never both have an answer.
    const tooLate = now >= (yield* undoUntil(preference.createdAt, pair.roundId));
    if (tooLate) return { status: 'too-late' };
    if (pair.purpose !== 'evaluation' && !acceptsPreferences(round.state)) {
      return { status: 'too-late' };
    }
    if (preference.supersededAt === null) {
      yield* ensureTallies(annotatorId);
      yield* change(
        tx.update(preferences).set({ supersededAt: now }).where(eq(preferences.id, preferenceId)),
      );
      if (pair.state !== 'withdrawn') {
        yield* change(tx.update(pairs).set({ state: 'open' }).where(eq(pairs.id, pair.id)));
      }
      yield* countAnswer(tx, pair, { annotatorId, answers: -1, now });
      if (pair.purpose === 'evaluation') yield* lookWhetherSure(tx, pair.id, now);
    }
    if (pair.state === 'withdrawn') return { status: 'undone', pair: null };
    const { leaseId } = preference;
    return {
      status: 'undone',
      pair: yield* reopenLease(tx, { leaseId, annotatorId, pair }, now),
    };
  });
}

/**
 * Puts a pair aside for good: it is not offered to this person again. Nothing happens when they
 * have skipped or answered it already.
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
  await immediate(function* (tx) {
    const { pair } = yield* ownLease(leaseId, annotatorId);
    if ((yield* standingAnswers(pair.id, annotatorId)).own) return;
    yield* change(
      tx
        .insert(skips)
        .values({ pairId: pair.id, annotatorId, createdAt: now })
        .onConflictDoNothing(),
    );
    yield* endLease(leaseId, now);
    yield* noteLook(tx, pair.roundId, now);
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
  return immediate(function* (tx) {
    const { pair, isWithdrawn } = yield* ownLease(leaseId, annotatorId);
    if (isWithdrawn) return { status: 'too-late' };
    yield* change(tx.delete(skips).where(ownSkip(pair.id, annotatorId)));
    return {
      status: 'undone',
      pair: yield* reopenLease(tx, { leaseId, annotatorId, pair }, now),
    };
  });
}
