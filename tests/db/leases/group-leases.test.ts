import { afterEach, describe, expect, it } from 'vitest';
import { skipGroup, submitTagging } from '@/db/labeling/taggings';
import { leaseGroups, renewGroupLeases } from '@/db/leases/group-leases';
import type { LeasedGroup } from '@/db/leases/leased-group';
import { pauseRound, resumeRound } from '@/db/rounds/rounds';
import { cancelRun } from '@/db/rounds/runs';
import { listSamples, recordSamples } from '@/db/rounds/samples';
import { setFlag } from '../../support/flags';
import { makeGroupRound, makePeople, makeSample, withTemporaryHome } from '../support';

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

async function take(input: Parameters<typeof leaseGroups>[0]): Promise<LeasedGroup[]> {
  const leased = await leaseGroups(input);
  if (leased.state !== 'groups') throw new Error(`No groups: ${leased.state}`);
  return leased.groups;
}

describe('leaseGroups', () => {
  it('gives a reload its own groups back, in the same order, with the images in the same order', async () => {
    const [ann] = await makePeople(1);
    await groupRound({ groups: 3, size: 16 });
    const first = await take({ annotatorId: ann! });
    const holding = first.map(({ leaseId }) => leaseId);
    const ahead = await take({ annotatorId: ann!, holding });
    expect(ahead[0]!.groupId).not.toBe(first[0]!.groupId);
    expect(await take({ annotatorId: ann!, count: 2 })).toEqual([...first, ...ahead]);
  });

  it('never gives one group to two people where one reading is wanted, and to two where two are', async () => {
    const [ann, bob, cat] = await makePeople(3);
    await groupRound({ groups: 2, labeling: { leaseSeconds: 60 } });
    const now = Date.now();
    const [anns] = await take({ annotatorId: ann!, now });
    const [bobs] = await take({ annotatorId: bob!, now: now + 20_000 });
    expect(bobs!.groupId).not.toBe(anns!.groupId);
    expect(await leaseGroups({ annotatorId: cat!, now: now + 20_000 })).toEqual({
      state: 'all-leased',
      retryAfterMs: 40_000,
    });
    await cancelRun(runIds.pop()!, null);

    await groupRound({ groups: 1, target: 2 });
    const [first] = await take({ annotatorId: ann! });
    const [second] = await take({ annotatorId: bob! });
    expect(second!.groupId).toBe(first!.groupId);
    expect((await leaseGroups({ annotatorId: cat! })).state).toBe('all-leased');
  });

  it('draws the order of the images for each person, every order as likely', async () => {
    const people = await makePeople(40);
    await groupRound({ groups: 1, size: 3, target: 40 });
    const orders = new Set<string>();
    for (const annotatorId of people) {
      const [group] = await take({ annotatorId });
      orders.add(group!.images.map(({ sampleId }) => sampleId).join());
    }
    // Six orders of three; that one of them misses in forty draws happens once in 250 runs, three
    // once in a million.
    expect(orders.size).toBeGreaterThanOrEqual(4);
  });

  it('shows own flags and nothing that tells policies apart, and blurs what was seen to be sensitive', async () => {
    const [ann, bob] = await makePeople(2);
    const { round } = await groupRound({ groups: 1, target: 2 });
    const [group] = await take({ annotatorId: ann! });
    expect(group).toMatchObject({ sensitive: false });
    const { sampleId } = group!.images[0]!;
    await setFlag({ sampleId, kind: 'nsfw', annotatorId: ann! });
    const [again] = await take({ annotatorId: ann! });
    expect(again!.images[0]!.flags).toEqual(['nsfw']);
    const [bobs] = await take({ annotatorId: bob! });
    expect(bobs).toMatchObject({ sensitive: true });
    expect(bobs!.images.flatMap(({ flags }) => flags)).toEqual([]);
    expect(JSON.stringify(bobs)).not.toContain(round.startPolicyId);
    expect(Object.keys(bobs!.images[0]!).sort()).toEqual([
      'flags',
      'height',
      'imageBlob',
      'sampleId',
      'width',
    ]);
  });

  it('lets nobody hold more than a page shows, however the holding is named', async () => {
    const [ann, bob] = await makePeople(2);
    await groupRound({ groups: 9 });
    const holding: string[] = [];
    for (let turn = 0; turn < 6; turn++) {
      const leased = await leaseGroups({ annotatorId: ann!, count: 2, holding });
      if (leased.state === 'groups') holding.push(...leased.groups.map(({ leaseId }) => leaseId));
      else expect(leased).toEqual({ state: 'all-leased', retryAfterMs: 1_000 });
    }
    expect(holding).toHaveLength(4);
    expect(await take({ annotatorId: bob!, count: 2 })).toHaveLength(2);
  });

  it('serves no group before all its images are drawn, none of a paused round, and none twice', async () => {
    const [ann] = await makePeople(1);
    const { round } = await groupRound({ groups: 1, size: 2 });
    const half = { id: 'half-drawn', roundId: round.id, prompt: '1 hand', size: 2 };
    const of = { policyId: round.startPolicyId, roundId: round.id, groupId: half.id };
    await recordSamples({ groups: [half], samples: [makeSample(of)] });
    const [whole] = await take({ annotatorId: ann!, count: 2 });
    expect(whole!.groupId).not.toBe(half.id);
    const holding = [whole!.leaseId];
    expect(await leaseGroups({ annotatorId: ann!, holding })).toEqual({ state: 'none' });
    await recordSamples({ samples: [makeSample(of)] });
    await pauseRound(round.id, null);
    expect(await leaseGroups({ annotatorId: ann!, holding })).toEqual({ state: 'none' });
    await resumeRound(round.id, null);
    const [late] = await take({ annotatorId: ann!, holding });
    expect(late!.groupId).toBe(half.id);
    expect(await listSamples({ groupId: half.id })).toHaveLength(2);
  });
});

describe('leases of groups that end', () => {
  it('lapse: the group goes to somebody else, and the late reading counts only while there is room', async () => {
    const [late, next] = await makePeople(2);
    await groupRound({ groups: 1, labeling: { leaseSeconds: 60 } });
    const now = Date.now();
    const [held] = await take({ annotatorId: late!, now });
    const [taken] = await take({ annotatorId: next!, now: now + 60_000 });
    expect(taken!.groupId).toBe(held!.groupId);
    const leaseIds = [held!.leaseId];
    const { lost } = await renewGroupLeases({ annotatorId: late!, leaseIds, now: now + 61_000 });
    expect(lost).toEqual(leaseIds);
    const tag = (annotatorId: string, at: number) =>
      submitTagging({
        id: crypto.randomUUID(),
        groupId: held!.groupId,
        annotatorId,
        taggedSampleIds: [],
        now: at,
      });
    expect(await tag(late!, now + 62_000)).toMatchObject({ status: 'accepted' });
    expect(await tag(next!, now + 63_000)).toEqual({ status: 'group-complete' });
  });

  it('lapse: a late reading takes the place of whoever came last', async () => {
    const [late, next, last] = await makePeople(3);
    await groupRound({ groups: 1, target: 2, labeling: { leaseSeconds: 60 } });
    const now = Date.now();
    const [held] = await take({ annotatorId: late!, now });
    const [nexts] = await take({ annotatorId: next!, now: now + 60_000 });
    const [lasts] = await take({ annotatorId: last!, now: now + 60_001 });
    const { status } = await submitTagging({
      id: crypto.randomUUID(),
      groupId: held!.groupId,
      annotatorId: late!,
      taggedSampleIds: [],
      now: now + 61_000,
    });
    expect(status).toBe('accepted');
    const renew = (annotatorId: string, { leaseId }: LeasedGroup) =>
      renewGroupLeases({ annotatorId, leaseIds: [leaseId], now: now + 62_000 });
    expect((await renew(next!, nexts!)).lost).toEqual([]);
    expect((await renew(last!, lasts!)).lost).toEqual([lasts!.leaseId]);
  });

  it('are renewed, given again after a lapse nobody used, and nobody else may touch them', async () => {
    const [ann, bob] = await makePeople(2);
    await groupRound({ groups: 1, labeling: { leaseSeconds: 60 } });
    const now = Date.now();
    const [group] = await take({ annotatorId: ann!, now });
    const leaseIds = [group!.leaseId];
    const renew = (annotatorId: string, at: number, leaseSeconds?: number) =>
      renewGroupLeases({ annotatorId, leaseIds, now: at, leaseSeconds });
    expect(await renew(ann!, now + 30_000)).toEqual({
      renewed: [{ leaseId: group!.leaseId, expiresAt: now + 90_000 }],
      lost: [],
    });
    expect((await renew(bob!, now + 30_000)).lost).toEqual(leaseIds);
    expect((await renew(ann!, now + 95_000)).lost).toEqual([]);
    // Given back, as when the page is left: free after a moment, and the same again for a reload
    // within it.
    await renew(ann!, now + 96_000, 10);
    expect((await leaseGroups({ annotatorId: bob!, now: now + 105_000 })).state).toBe('all-leased');
    const [reloaded] = await take({ annotatorId: ann!, now: now + 105_000 });
    expect(reloaded).toMatchObject({ leaseId: group!.leaseId, images: group!.images });
    expect(await take({ annotatorId: bob!, now: now + 106_000 })).toHaveLength(1);
  });

  it('are not renewed once tagged or skipped', async () => {
    const [ann] = await makePeople(1);
    await groupRound({ groups: 2 });
    const [first, second] = await take({ annotatorId: ann!, count: 2 });
    await submitTagging({
      id: crypto.randomUUID(),
      groupId: first!.groupId,
      annotatorId: ann!,
      taggedSampleIds: [],
    });
    await skipGroup({ leaseId: second!.leaseId, annotatorId: ann! });
    const leaseIds = [first!.leaseId, second!.leaseId];
    expect(await renewGroupLeases({ annotatorId: ann!, leaseIds })).toEqual({
      renewed: [],
      lost: leaseIds,
    });
  });
});
