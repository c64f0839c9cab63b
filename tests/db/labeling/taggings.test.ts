import { afterEach, describe, expect, it } from 'vitest';
import { trainingPairsOf } from '@/db/answers/training-data';
import { newId } from '@/db/ids';
import { labelProgress } from '@/db/labeling/progress';
import { skipGroup, submitTagging, undoGroupSkip, undoTagging } from '@/db/labeling/taggings';
import { leaseGroups } from '@/db/leases/group-leases';
import type { LeasedGroup } from '@/db/leases/leased-group';
import { pausePerson } from '@/db/people/users';
import { advanceReadyRounds, closeLabeling } from '@/db/rounds/advance';
import { getRound } from '@/db/rounds/rounds';
import { cancelRun } from '@/db/rounds/runs';
import { makeGroupRound, makePeople, withTemporaryHome } from '../support';

withTemporaryHome();

const runIds: string[] = [];

afterEach(async () => {
  for (const id of runIds.splice(0)) await cancelRun(id, null);
});

async function groupRound(...args: Parameters<typeof makeGroupRound>) {
  const made = await makeGroupRound(...args);
  runIds.push(made.run.id);
  return made;
}

async function take(annotatorId: string, now = Date.now()): Promise<LeasedGroup> {
  const leased = await leaseGroups({ annotatorId, now });
  if (leased.state !== 'groups') throw new Error(`No groups: ${leased.state}`);
  return leased.groups[0]!;
}

function tag(
  { groupId }: Pick<LeasedGroup, 'groupId'>,
  annotatorId: string,
  { bad = [] as string[], now = Date.now(), id = newId() } = {},
) {
  return submitTagging({ id, groupId, annotatorId, taggedSampleIds: bad, now });
}

const undoWindowSeconds = 10;

describe('tagging groups', () => {
  it('yields untagged beats tagged, once, and ends the round', async () => {
    const [ann] = await makePeople(1);
    const { round } = await groupRound({ size: 7, labeling: { undoWindowSeconds } });
    const now = Date.now();
    const tagged: string[] = [];
    for (let group = 0; group < 2; group++) {
      const next = await take(ann!, now);
      expect(next.images).toHaveLength(7);
      const bad = next.images[2]!.sampleId;
      tagged.push(bad);
      const reading = { id: newId(), bad: [bad], now };
      expect(await tag(next, ann!, reading)).toMatchObject({
        status: 'accepted',
        duplicate: false,
      });
      expect(await tag(next, ann!, reading)).toMatchObject({ status: 'accepted', duplicate: true });
    }
    expect(await leaseGroups({ annotatorId: ann!, now })).toEqual({ state: 'none' });
    expect((await getRound(round.id)).progress).toMatchObject({
      labeled: 2,
      preferencesWanted: 2,
    });
    expect(await labelProgress(ann!, { dayStartMs: now })).toMatchObject({
      own: { today: 2, round: 2, total: 2 },
    });
    await advanceReadyRounds(now + 10_000);
    const pairs = await trainingPairsOf(round.id);
    expect(pairs).toHaveLength(12);
    expect(new Set(pairs.map((pair) => pair.loser.id))).toEqual(new Set(tagged));
  });

  it('counts what stands, whichever clock came first through the lock', async () => {
    const [ann, bob] = await makePeople(2);
    const { round } = await groupRound({ groups: 1, target: 2 });
    const now = Date.now();
    const group = await take(ann!, now);
    await tag(group, ann!, { now });
    // Bob’s process read the time first, then waited for Ann’s.
    await tag(group, bob!, { now: now - 5 });
    expect((await getRound(round.id)).progress.labeled).toBe(2);
  });

  it('takes as many readings as wanted, lets them be undone, and refuses strangers', async () => {
    const [ann, bob] = await makePeople(2);
    const { round } = await groupRound({ groups: 1, labeling: { undoWindowSeconds } });
    const now = Date.now();
    const group = await take(ann!, now);
    await expect(tag(group, ann!, { bad: ['stranger'] })).rejects.toThrow('stranger');
    const first = await tag(group, ann!, { now });
    if (first.status !== 'accepted') throw new Error(first.status);
    expect(await tag(group, ann!)).toMatchObject({ status: 'already-tagged' });
    expect(await tag(group, bob!)).toEqual({ status: 'group-complete' });
    expect(await leaseGroups({ annotatorId: bob!, now })).toEqual({ state: 'none' });
    const undo = { id: first.taggingId, annotatorId: ann! };
    expect(await undoTagging({ ...undo, now: now + 10_000 })).toEqual({ status: 'too-late' });
    const undone = await undoTagging({ ...undo, now: now + 9_999 });
    expect(undone).toMatchObject({
      status: 'undone',
      group: { leaseId: group.leaseId, images: group.images },
    });
    expect((await getRound(round.id)).progress.labeled).toBe(0);
    // It is Ann's again: Bob neither gets it nor may he tag it past her.
    expect((await leaseGroups({ annotatorId: bob!, now: now + 9_999 })).state).toBe('all-leased');
    expect(await tag(group, bob!, { now: now + 9_999 })).toEqual({ status: 'taken' });
    expect(await tag(group, ann!, { now: now + 9_999 })).toMatchObject({ status: 'accepted' });
  });

  it('is held back with a paused person, whose groups are then offered to others', async () => {
    const [ann, bob] = await makePeople(2);
    await groupRound({ groups: 2 });
    await tag(await take(ann!), ann!);
    const held = await take(ann!);
    await pausePerson(ann!, null);
    expect(await leaseGroups({ annotatorId: ann! })).toEqual({ state: 'paused' });
    await expect(tag(held, ann!)).rejects.toMatchObject({ code: 'paused' });
    const leased = await leaseGroups({ annotatorId: bob!, count: 2 });
    expect(leased).toMatchObject({ state: 'groups', groups: [{}, {}] });
  });
});

describe('skipping groups', () => {
  it('puts a group aside for one person, until it is taken back', async () => {
    const [ann, bob] = await makePeople(2);
    await groupRound({ groups: 1 });
    const group = await take(ann!);
    const skip = { leaseId: group.leaseId, annotatorId: ann! };
    await skipGroup(skip);
    await skipGroup(skip);
    expect(await leaseGroups({ annotatorId: ann! })).toEqual({ state: 'none' });
    expect(await undoGroupSkip(skip)).toEqual({
      status: 'undone',
      group: { ...group, expiresAt: expect.any(Number) },
    });
    await skipGroup(skip);
    const others = await take(bob!);
    // Somebody else has it: no more than one person is shown a group that wants one reading.
    expect(await undoGroupSkip(skip)).toEqual({ status: 'undone', group: null });
    expect((await leaseGroups({ annotatorId: ann! })).state).toBe('all-leased');
    await expect(skipGroup({ ...skip, annotatorId: bob! })).rejects.toMatchObject({
      code: 'not-found',
    });
    expect(await tag(others, bob!)).toMatchObject({ status: 'accepted' });
  });

  it('does not keep a round waiting: it trains when everybody has tagged or skipped what is left', async () => {
    const [ann, bob] = await makePeople(2);
    const { round } = await groupRound({ groups: 2, labeling: { undoWindowSeconds: 10 } });
    const now = Date.now();
    const [first, second] = [await take(ann!, now), await take(bob!, now)];
    await tag(first, ann!, { bad: [first.images[0]!.sampleId], now });
    await skipGroup({ leaseId: second.leaseId, annotatorId: bob!, now });
    // Ann may still read what Bob skipped.
    await advanceReadyRounds(now + 10_000);
    expect((await getRound(round.id)).state).toBe('labeling');
    const left = await take(ann!, now);
    expect(left.groupId).toBe(second.groupId);
    await skipGroup({ leaseId: left.leaseId, annotatorId: ann!, now });
    await advanceReadyRounds(now + 9_000);
    expect((await getRound(round.id)).state).toBe('labeling');
    await advanceReadyRounds(now + 10_000);
    expect((await getRound(round.id)).state).toBe('training');
  });

  it('counts for nothing once the person is paused: somebody else is waited for', async () => {
    const [ann, bob, cat] = await makePeople(3);
    const { round } = await groupRound({
      groups: 1,
      target: 2,
      labeling: { undoWindowSeconds: 10 },
    });
    const now = Date.now();
    const group = await take(ann!, now);
    await tag(group, ann!, { bad: [group.images[0]!.sampleId], now });
    await skipGroup({ leaseId: (await take(bob!, now)).leaseId, annotatorId: bob!, now });
    await pausePerson(bob!, null);
    await advanceReadyRounds(now + 10_000);
    expect((await getRound(round.id)).state).toBe('labeling');
    await skipGroup({ leaseId: (await take(cat!, now)).leaseId, annotatorId: cat!, now });
    await advanceReadyRounds(now + 10_000);
    expect((await getRound(round.id)).state).toBe('training');
  });

  it('is too late, as a reading is, once the round trains', async () => {
    const [ann] = await makePeople(1);
    const { round } = await groupRound({ groups: 3, labeling: { undoWindowSeconds: 0 } });
    const first = await take(ann!);
    await tag(first, ann!, { bad: [first.images[0]!.sampleId], now: Date.now() - 1 });
    const skipped = await take(ann!);
    await skipGroup({ leaseId: skipped.leaseId, annotatorId: ann! });
    const open = await take(ann!);
    await closeLabeling(round.id, null);
    const undo = { leaseId: skipped.leaseId, annotatorId: ann! };
    expect(await undoGroupSkip(undo)).toEqual({ status: 'too-late' });
    expect(await tag(open, ann!)).toEqual({ status: 'withdrawn' });
    expect(await leaseGroups({ annotatorId: ann! })).toEqual({ state: 'none' });
  });
});
