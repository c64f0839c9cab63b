import { eq } from 'drizzle-orm';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import { skipPair, submitPreference, undoPreference } from '@/db/labeling/preferences';
import { type LeasedPair, leasePairs, renewLeases } from '@/db/leases/pair-leases';
import { getRound } from '@/db/rounds/rounds';
import { cancelRun } from '@/db/rounds/runs';
import { leases, pairs, preferences, skips } from '@/db/schema/labels';
import type { Answer } from '@/lib/answers';
import { makeLabelingRound, makePeople, withTemporaryHome } from '../support';

withTemporaryHome();

const annotatorCount = 50;
const undoWindowSeconds = 10;
const leaseSeconds = 30;
let annotators: string[];

beforeAll(async () => {
  annotators = await makePeople(annotatorCount);
});

/** One thing one of the fifty does, or a while in which nobody does anything. */
const stepArbitrary = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      does: fc.constant('lease'),
      who: who(),
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 8, arbitrary: fc.record({ does: fc.constant('answer'), who: who(), with: answer() }) },
  {
    weight: 2,
    arbitrary: fc.record({ does: fc.constant('answer again'), who: who(), back: back() }),
  },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('undo'), who: who(), back: back() }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('skip'), who: who() }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('renew'), who: who() }) },
  {
    weight: 1,
    arbitrary: fc.record({ does: fc.constant('wait'), seconds: fc.integer({ min: 1, max: 40 }) }),
  },
);

type Step = typeof stepArbitrary extends fc.Arbitrary<infer T> ? T : never;

function who() {
  return fc.integer({ min: 0, max: annotatorCount - 1 });
}

/** How many answers back: a retry that was long on its way may come after a newer answer. */
function back() {
  return fc.nat({ max: 2 });
}

function answer() {
  return fc.constantFrom<Answer>('left', 'right', 'tie', 'both-bad');
}

/** What the fifty clients remember: the pairs they show and the answers they saw acknowledged. */
class Clients {
  readonly shown = new Map<number, LeasedPair[]>();
  readonly acknowledged = new Map<string, { who: number; pair: LeasedPair; answer: Answer }>();
  readonly undone = new Set<string>();
  #made = 0;

  constructor(
    readonly roundTag: string,
    public now: number,
  ) {}

  async take(step: Step): Promise<void> {
    if ('seconds' in step) {
      this.now += step.seconds * 1000;
      return;
    }
    const annotatorId = annotators[step.who]!;
    const shown = this.shown.get(step.who) ?? [];
    this.shown.set(step.who, shown);
    if ('count' in step) {
      const holding = shown.map((pair) => pair.leaseId);
      const { count } = step;
      const leased = await leasePairs({ annotatorId, count, holding, now: this.now });
      if (leased.state === 'pairs') shown.push(...leased.pairs);
    } else if ('with' in step) {
      const pair = shown.shift();
      if (pair) await this.#submit(step.who, pair, step.with, `${this.roundTag}-${this.#made++}`);
    } else if ('back' in step && step.does === 'answer again') {
      const [id, earlier] = this.#earlierOf(step) ?? [];
      if (id && earlier) await this.#submit(step.who, earlier.pair, earlier.answer, id);
    } else if ('back' in step) {
      const [id] = this.#earlierOf(step) ?? [];
      if (!id) return;
      const result = await undoPreference({ preferenceId: id, annotatorId, now: this.now });
      if (result.status === 'too-late') return;
      this.undone.add(id);
      if (result.pair) shown.push(result.pair);
    } else if (step.does === 'skip') {
      const pair = shown.shift();
      if (pair) await skipPair({ leaseId: pair.leaseId, annotatorId, now: this.now });
    } else {
      const leaseIds = shown.map((pair) => pair.leaseId);
      const { lost } = await renewLeases({ annotatorId, leaseIds, now: this.now });
      this.shown.set(
        step.who,
        shown.filter((pair) => !lost.includes(pair.leaseId)),
      );
    }
  }

  #earlierOf({ who, back }: { who: number; back: number }) {
    return [...this.acknowledged].filter(([, entry]) => entry.who === who).at(-1 - back);
  }

  async #submit(who: number, pair: LeasedPair, answer: Answer, id: string): Promise<void> {
    const result = await submitPreference({
      id,
      leaseId: pair.leaseId,
      annotatorId: annotators[who]!,
      answer,
      shownAtMs: this.now,
      decidedAtMs: this.now + 800,
      guidelinesVersion: 1,
      now: this.now,
    });
    if (result.status !== 'accepted') return;
    expect(result.duplicate).toBe(this.acknowledged.has(id));
    this.acknowledged.set(id, { who, pair, answer });
  }
}

/** At every moment a pair has room for all who have answered or hold it, and nobody does both. */
function expectRoom(roundId: string, now: number): void {
  for (const pair of db().select().from(pairs).where(eq(pairs.roundId, roundId)).all()) {
    const held = db().select().from(leases).where(eq(leases.pairId, pair.id)).all();
    const live = held.filter((lease) => lease.releasedAt === null && lease.expiresAt > now);
    const given = db().select().from(preferences).where(eq(preferences.pairId, pair.id)).all();
    const people = [...live, ...given.filter((row) => row.supersededAt === null)].map(
      ({ annotatorId }) => annotatorId,
    );
    expect(people.length).toBeLessThanOrEqual(pair.target);
    expect(new Set(people).size).toBe(people.length);
  }
}

/** The database says exactly what the clients were told, and no pair has too many answers. */
async function expectConsistent(clients: Clients, roundId: string): Promise<void> {
  const rows = db()
    .select({ preference: preferences, pair: pairs })
    .from(preferences)
    .innerJoin(pairs, eq(pairs.id, preferences.pairId))
    .where(eq(pairs.roundId, roundId))
    .all();
  expect(rows.map((row) => row.preference.id).sort()).toEqual(
    [...clients.acknowledged.keys()].sort(),
  );
  const standing = rows.filter((row) => row.preference.supersededAt === null);
  for (const { preference } of rows) {
    const told = clients.acknowledged.get(preference.id)!;
    expect(preference).toMatchObject({
      answer: told.answer,
      annotatorId: annotators[told.who],
      pairId: told.pair.pairId,
      leftSampleId: told.pair.left.sampleId,
      rightSampleId: told.pair.right.sampleId,
    });
    expect(preference.supersededAt !== null).toBe(clients.undone.has(preference.id));
  }
  for (const pair of db().select().from(pairs).where(eq(pairs.roundId, roundId)).all()) {
    const answers = standing.filter((row) => row.pair.id === pair.id);
    expect(answers.length).toBeLessThanOrEqual(pair.target);
    expect(pair.state).toBe(answers.length === pair.target ? 'complete' : 'open');
    const people = answers.map((row) => row.preference.annotatorId);
    expect(new Set(people).size).toBe(people.length);
    const held = db().select().from(leases).where(eq(leases.pairId, pair.id)).all();
    const live = held.filter((lease) => lease.releasedAt === null);
    expect(live.filter((lease) => people.includes(lease.annotatorId))).toEqual([]);
    const skipped = db().select().from(skips).where(eq(skips.pairId, pair.id)).all();
    expect(skipped.filter((skip) => people.includes(skip.annotatorId))).toEqual([]);
  }
  expect((await getRound(roundId)).progress.labeled).toBe(standing.length);
}

// What fails is told with the shortest example found by then, before the test's own time is up.
const interruptAfterTimeLimit = 60_000;

describe('fifty annotators', () => {
  it('never over-assign a pair, lose or double an answer, whatever they do in whatever order', async () => {
    let made = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(stepArbitrary, { minLength: 20, maxLength: 200, size: 'max' }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 4 }),
        // Few people meet each other and their own past more often; fifty crowd the pairs.
        fc.constantFrom(2, 6, annotatorCount),
        async (steps, pairCount, target, crowd) => {
          // The operations never leave the microtask queue; this lets the test's own timeout fire.
          await new Promise(setImmediate);
          const labeling = { undoWindowSeconds, leaseSeconds };
          const { run, round } = await makeLabelingRound({ pairs: pairCount, target, labeling });
          const clients = new Clients(`r${made++}`, Date.now());
          try {
            for (const step of steps) {
              await clients.take('who' in step ? { ...step, who: step.who % crowd } : step);
              expectRoom(round.id, clients.now);
            }
            await expectConsistent(clients, round.id);
          } finally {
            await cancelRun(run.id, null);
          }
        },
      ),
      { numRuns: 25, interruptAfterTimeLimit },
    );
  });
});
