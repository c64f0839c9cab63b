import { eq } from 'drizzle-orm';
import { afterEach, describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import { submitPreference, undoPreference } from '@/db/labeling/preferences';
import { type LeasedPair, leasePairs, renewLeases } from '@/db/leases/pair-leases';
import { pauseRound, resumeRound } from '@/db/rounds/rounds';
import { cancelRun } from '@/db/rounds/runs';
import { pairs } from '@/db/schema/labels';
import { addPairs, makeLabelingRound, makePeople, makeRun, withTemporaryHome } from '../support';

withTemporaryHome();

const runIds: string[] = [];

afterEach(async () => {
  for (const id of runIds.splice(0)) await cancelRun(id, null);
});

async function labeling(...args: Parameters<typeof makeLabelingRound>) {
  const made = await makeLabelingRound(...args);
  runIds.push(made.run.id);
  return made;
}

async function take(input: Parameters<typeof leasePairs>[0]): Promise<LeasedPair[]> {
  const leased = await leasePairs(input);
  if (leased.state !== 'pairs') throw new Error(`No pairs: ${leased.state}`);
  return leased.pairs;
}

async function answer(pair: LeasedPair, annotatorId: string, now = Date.now()) {
  return submitPreference({
    id: crypto.randomUUID(),
    leaseId: pair.leaseId,
    annotatorId,
    answer: 'left',
    shownAtMs: now - 500,
    decidedAtMs: now,
    guidelinesVersion: 1,
    now,
  });
}

describe('leasePairs', () => {
  it('gives a reload its own pairs back, in the same order, with the same sides', async () => {
    const [ann] = await makePeople(1);
    await labeling({ pairs: 4 });
    const first = await take({ annotatorId: ann!, count: 2 });
    const ahead = await take({
      annotatorId: ann!,
      count: 1,
      holding: first.map((pair) => pair.leaseId),
    });
    expect(first.map((pair) => pair.pairId)).not.toContain(ahead[0]!.pairId);
    const reloaded = await take({ annotatorId: ann!, count: 3 });
    expect(reloaded).toEqual([...first, ...ahead]);
  });

  it('serves the urgent first and says nothing that tells the policies apart', async () => {
    const [ann] = await makePeople(1);
    const { round } = await labeling({ pairs: 3 });
    const [urgent] = await addPairs(round, 1, { priority: 5 });
    const [pair] = await take({ annotatorId: ann! });
    expect(pair!.pairId).toBe(urgent);
    expect(JSON.stringify(pair)).not.toContain(round.startPolicyId);
    expect(Object.keys(pair!.left).sort()).toEqual([
      'flags',
      'height',
      'imageBlob',
      'sampleId',
      'width',
    ]);
  });

  it('balances the sides, however one-sided the coin', async () => {
    const [ann] = await makePeople(1);
    const { pairIds } = await labeling({ pairs: 12 });
    const served = await take({ annotatorId: ann!, count: 12, random: () => 0 });
    const left = served.filter((pair) => {
      const row = db().select().from(pairs).where(eq(pairs.id, pair.pairId)).get()!;
      return row.sampleAId === pair.left.sampleId;
    });
    expect(served).toHaveLength(pairIds.length);
    expect(left.length).toBe(7);
  });

  it('mixes gold in by its share, and never gold alone', async () => {
    const [ann] = await makePeople(1);
    const { round } = await labeling({ pairs: 4, labeling: { goldShare: 0.5 } });
    const gold = await addPairs(round, 9, { purpose: 'gold', target: 100 });
    const draws = [0.9, 0.1];
    let turn = 0;
    const served = await take({
      annotatorId: ann!,
      count: 9,
      // Two numbers a pair: gold or not, then the sides.
      random: () => draws[(turn++ >> 1) % 2]!,
    });
    const goldServed = served.filter((pair) => gold.includes(pair.pairId));
    expect(goldServed.length).toBeGreaterThan(0);
    expect(served.length - goldServed.length).toBe(4);
  });

  it('says why there is nothing: sampling, all leased, done, paused, training, no round', async () => {
    const [ann, bob] = await makePeople(2);
    const state = async (annotatorId: string) => (await leasePairs({ annotatorId })).state;
    expect(await state(ann!)).toBe('no-round');
    const { round: drawing, run: first } = await makeRun();
    expect(await state(ann!)).toBe('sampling');
    await pauseRound(drawing.id, null);
    expect(await state(ann!)).toBe('no-round');
    await resumeRound(drawing.id, null);
    await cancelRun(first.id, null);

    const { round } = await labeling({ pairs: 1, labeling: { leaseSeconds: 60 } });
    const now = Date.now();
    const [pair] = await take({ annotatorId: ann!, now });
    expect(await leasePairs({ annotatorId: bob!, now: now + 20_000 })).toEqual({
      state: 'all-leased',
      retryAfterMs: 40_000,
    });
    await answer(pair!, ann!);
    expect(await state(bob!)).toBe('done');
    await pauseRound(round.id, null);
    expect(await state(bob!)).toBe('no-round');
  });
});

describe('leases that end', () => {
  it('lapse: the pair goes to somebody else, and the late answer counts only while there is room', async () => {
    const [late, next] = await makePeople(2);
    await labeling({ pairs: 1, labeling: { leaseSeconds: 60 } });
    const now = Date.now();
    const [held] = await take({ annotatorId: late!, now });
    const [taken] = await take({ annotatorId: next!, now: now + 60_000 });
    expect(taken!.pairId).toBe(held!.pairId);
    const { lost } = await renewLeases({
      annotatorId: late!,
      leaseIds: [held!.leaseId],
      now: now + 61_000,
    });
    expect(lost).toEqual([held!.leaseId]);
    expect(await answer(held!, late!, now + 62_000)).toMatchObject({ status: 'accepted' });
    expect(await answer(taken!, next!, now + 63_000)).toEqual({ status: 'pair-complete' });
  });

  it('lapse: a late answer takes the place of whoever came last', async () => {
    const [late, next, last] = await makePeople(3);
    await labeling({ pairs: 1, target: 2, labeling: { leaseSeconds: 60 } });
    const now = Date.now();
    const [held] = await take({ annotatorId: late!, now });
    const [nexts] = await take({ annotatorId: next!, now: now + 60_000 });
    const [lasts] = await take({ annotatorId: last!, now: now + 60_001 });
    expect(await answer(held!, late!, now + 61_000)).toMatchObject({ status: 'accepted' });
    const renew = (annotatorId: string, { leaseId }: LeasedPair) =>
      renewLeases({ annotatorId, leaseIds: [leaseId], now: now + 62_000 });
    expect((await renew(next!, nexts!)).lost).toEqual([]);
    expect((await renew(last!, lasts!)).lost).toEqual([lasts!.leaseId]);
  });

  it('are renewed, and nobody else may touch them', async () => {
    const [ann, bob] = await makePeople(2);
    await labeling({ pairs: 1, labeling: { leaseSeconds: 60 } });
    const now = Date.now();
    const [pair] = await take({ annotatorId: ann!, now });
    const leaseIds = [pair!.leaseId];
    expect(await renewLeases({ annotatorId: ann!, leaseIds, now: now + 30_000 })).toEqual({
      renewed: [{ leaseId: pair!.leaseId, expiresAt: now + 90_000 }],
      lost: [],
    });
    expect((await renewLeases({ annotatorId: bob!, leaseIds })).lost).toEqual(leaseIds);
    await expect(answer(pair!, bob!)).rejects.toMatchObject({ code: 'not-found' });
    expect((await leasePairs({ annotatorId: bob! })).state).toBe('all-leased');
  });

  it('come back with an undo inside the window, and not after it', async () => {
    const [ann] = await makePeople(1);
    await labeling({ pairs: 1, labeling: { undoWindowSeconds: 10 } });
    const now = Date.now();
    const [pair] = await take({ annotatorId: ann!, now });
    const accepted = await answer(pair!, ann!, now);
    if (accepted.status !== 'accepted') throw new Error(accepted.status);
    const undo = { preferenceId: accepted.preferenceId, annotatorId: ann! };
    const undone = await undoPreference({ ...undo, now: now + 9_999 });
    expect(undone).toMatchObject({
      status: 'undone',
      pair: { leaseId: pair!.leaseId, left: pair!.left, right: pair!.right },
    });
    expect(await undoPreference({ ...undo, now: now + 10_000 })).toEqual({ status: 'too-late' });
  });

  it('do not come back with an undo sent twice, once the pair is answered again', async () => {
    const [ann] = await makePeople(1);
    await labeling({ pairs: 1, target: 2 });
    const [pair] = await take({ annotatorId: ann! });
    const accepted = await answer(pair!, ann!);
    if (accepted.status !== 'accepted') throw new Error(accepted.status);
    const undo = () => undoPreference({ preferenceId: accepted.preferenceId, annotatorId: ann! });
    expect(await undo()).toMatchObject({ pair: { leaseId: pair!.leaseId } });
    expect(await answer(pair!, ann!)).toMatchObject({ status: 'accepted' });
    expect(await undo()).toEqual({ status: 'undone', pair: null });
    expect((await leasePairs({ annotatorId: ann! })).state).toBe('done');
  });
});
