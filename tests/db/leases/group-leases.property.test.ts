import { eq } from 'drizzle-orm';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { db } from '@/db/client';
import { skipGroup, submitTagging, undoGroupSkip, undoTagging } from '@/db/labeling/taggings';
import { leaseGroups, renewGroupLeases } from '@/db/leases/group-leases';
import type { LeasedGroup } from '@/db/leases/leased-group';
import { getRound } from '@/db/rounds/rounds';
import { cancelRun } from '@/db/rounds/runs';
import { groupLeases, groupSkips } from '@/db/schema/group-leases';
import { groups, taggings } from '@/db/schema/labels';
import { makeGroupRound, makePeople, withTemporaryHome } from '../support';

withTemporaryHome();

const annotatorCount = 20;
const undoWindowSeconds = 10;
const leaseSeconds = 30;
let annotators: string[];

beforeAll(async () => {
  annotators = await makePeople(annotatorCount);
});

const actions = ['tag', 'tag again', 'undo', 'skip', 'undo skip', 'leave', 'renew'] as const;

/** One thing one of the twenty does, or a while in which nobody does anything. */
const stepArbitrary = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ does: fc.constant('lease' as const), who: who(), count: upTo(2) }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      does: fc.constantFrom(...actions),
      who: who(),
      back: fc.nat({ max: 2 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ does: fc.constant('wait' as const), seconds: upTo(40) }),
  },
);

type Step = typeof stepArbitrary extends fc.Arbitrary<infer T> ? T : never;

function who() {
  return fc.integer({ min: 0, max: annotatorCount - 1 });
}

function upTo(max: number) {
  return fc.integer({ min: 1, max });
}

type Told = { who: number; group: LeasedGroup; bad: string[] };

/**
 * What the twenty clients remember: the groups they show, what they skipped, and the readings they
 * saw acknowledged.
 */
class Clients {
  readonly shown = new Map<number, LeasedGroup[]>();
  readonly skipped = new Map<number, LeasedGroup[]>();
  readonly acknowledged = new Map<string, Told>();
  readonly undone = new Set<string>();
  /** The order in which a person saw a group's images, ever. */
  readonly #orders = new Map<string, string[]>();
  #made = 0;

  constructor(
    readonly roundTag: string,
    readonly target: number,
    public now: number,
  ) {}

  async take(step: Step): Promise<void> {
    const { now } = this;
    if (step.does === 'wait') {
      this.now += step.seconds * 1000;
      return;
    }
    const annotatorId = annotators[step.who]!;
    const shown = this.#of(this.shown, step.who);
    const leaseIds = shown.map(({ leaseId }) => leaseId);
    if (step.does === 'lease') {
      const { count } = step;
      const leased = await leaseGroups({ annotatorId, count, holding: leaseIds, now });
      if (leased.state !== 'groups') return;
      for (const group of leased.groups) this.#show(step.who, group);
      return;
    }
    const [id, earlier] =
      [...this.acknowledged].filter(([, told]) => told.who === step.who).at(-1 - step.back) ?? [];
    switch (step.does) {
      case 'tag': {
        const group = shown.shift();
        if (!group) return;
        const bad = group.images.slice(0, step.back).map(({ sampleId }) => sampleId);
        return this.#submit(`${this.roundTag}-${this.#made++}`, { who: step.who, group, bad });
      }
      case 'tag again':
        // A retry that was long on its way may come after a newer reading.
        return id && earlier ? this.#submit(id, earlier) : undefined;
      case 'undo': {
        if (!id) return;
        const result = await undoTagging({ id, annotatorId, now });
        if (result.status === 'too-late') return;
        this.undone.add(id);
        if (result.group) this.#show(step.who, result.group);
        return;
      }
      case 'skip': {
        const group = shown.shift();
        if (!group) return;
        await skipGroup({ leaseId: group.leaseId, annotatorId, now });
        this.#of(this.skipped, step.who).push(group);
        return;
      }
      case 'undo skip': {
        const group = this.#of(this.skipped, step.who).pop();
        if (!group) return;
        const result = await undoGroupSkip({ leaseId: group.leaseId, annotatorId, now });
        if (result.status === 'undone' && result.group) this.#show(step.who, result.group);
        return;
      }
      case 'leave':
        await renewGroupLeases({ annotatorId, leaseIds, leaseSeconds: 10, now });
        shown.length = 0;
        return;
      case 'renew': {
        const { lost } = await renewGroupLeases({ annotatorId, leaseIds, now });
        const kept = shown.filter(({ leaseId }) => !lost.includes(leaseId));
        shown.splice(0, shown.length, ...kept);
      }
    }
  }

  #of<T>(map: Map<number, T[]>, who: number): T[] {
    const known = map.get(who) ?? [];
    map.set(who, known);
    return known;
  }

  #show(who: number, group: LeasedGroup): void {
    const order = group.images.map(({ sampleId }) => sampleId);
    const key = `${who} ${group.groupId}`;
    expect(order).toEqual(this.#orders.get(key) ?? order);
    this.#orders.set(key, order);
    const shown = this.#of(this.shown, who);
    if (!shown.some(({ leaseId }) => leaseId === group.leaseId)) shown.push(group);
  }

  async #submit(id: string, told: Told): Promise<void> {
    const { status } = await submitTagging({
      id,
      groupId: told.group.groupId,
      annotatorId: annotators[told.who]!,
      taggedSampleIds: told.bad,
      now: this.now,
    });
    if (status === 'accepted') this.acknowledged.set(id, told);
    if (this.undone.has(id)) expect(status).toBe('undone');
    // Every client leases first.
    expect(status).not.toBe('taken');
  }
}

function standingOf(groupId: string) {
  const all = db().select().from(taggings).where(eq(taggings.groupId, groupId)).all();
  return all.filter(({ supersededAt }) => supersededAt === null);
}

/** At every moment a group has room for all who have read or hold it, and nobody does both. */
function expectRoom({ target, now }: Clients, roundId: string): void {
  for (const { id } of db().select().from(groups).where(eq(groups.roundId, roundId)).all()) {
    const held = db().select().from(groupLeases).where(eq(groupLeases.groupId, id)).all();
    const live = held.filter((row) => row.releasedAt === null && row.expiresAt > now);
    const people = [...live, ...standingOf(id)].map(({ annotatorId }) => annotatorId);
    expect(people.length).toBeLessThanOrEqual(target);
    expect(new Set(people).size).toBe(people.length);
  }
}

/** The database says exactly what the clients were told, and no group has too many readings. */
async function expectConsistent(clients: Clients, roundId: string): Promise<void> {
  const rows = db()
    .select({ tagging: taggings })
    .from(taggings)
    .innerJoin(groups, eq(groups.id, taggings.groupId))
    .where(eq(groups.roundId, roundId))
    .all()
    .map(({ tagging }) => tagging);
  expect(rows.map(({ id }) => id).sort()).toEqual([...clients.acknowledged.keys()].sort());
  for (const row of rows) {
    const told = clients.acknowledged.get(row.id)!;
    expect(row).toMatchObject({
      groupId: told.group.groupId,
      annotatorId: annotators[told.who],
      taggedSampleIds: told.bad,
    });
    expect(row.supersededAt !== null).toBe(clients.undone.has(row.id));
  }
  let labeled = 0;
  for (const { id } of db().select().from(groups).where(eq(groups.roundId, roundId)).all()) {
    const people = standingOf(id).map(({ annotatorId }) => annotatorId);
    labeled += people.length;
    expect(people.length).toBeLessThanOrEqual(clients.target);
    expect(new Set(people).size).toBe(people.length);
    const skipped = db().select().from(groupSkips).where(eq(groupSkips.groupId, id)).all();
    expect(skipped.filter(({ annotatorId }) => people.includes(annotatorId))).toEqual([]);
  }
  expect((await getRound(roundId)).progress.labeled).toBe(labeled);
}

it('twenty annotators never over-assign a group, lose or double a reading, whatever they do in whatever order', async () => {
  let made = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(stepArbitrary, { minLength: 20, maxLength: 120, size: 'max' }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 3 }),
      // Few people meet each other and their own past more often; twenty crowd the groups.
      fc.constantFrom(2, 5, annotatorCount),
      async (steps, groupCount, target, crowd) => {
        // The operations never leave the microtask queue; this lets the test's own timeout fire.
        await new Promise(setImmediate);
        const labeling = { undoWindowSeconds, leaseSeconds };
        const { run, round } = await makeGroupRound({ groups: groupCount, target, labeling });
        const clients = new Clients(`r${made++}`, target, Date.now());
        try {
          for (const step of steps) {
            await clients.take('who' in step ? { ...step, who: step.who % crowd } : step);
            expectRoom(clients, round.id);
          }
          await expectConsistent(clients, round.id);
        } finally {
          await cancelRun(run.id, null);
        }
      },
    ),
    // What fails is told with the shortest example found by then.
    { numRuns: 20, interruptAfterTimeLimit: 60_000 },
  );
});
