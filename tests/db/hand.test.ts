import { afterEach, describe, expect, it } from 'vitest';
import { submitPreference, undoPreference } from '@/db/labeling/preferences';
import { leasePairs, liveLeases, renewLeases } from '@/db/leases/pair-leases';
import { cancelRun } from '@/db/rounds/runs';
import { read } from '@/db/transaction';
import { pairsInHand, undoneMax } from '@/lib/leases';
import { makeLabelingRound, makePeople, withTemporaryHome } from './support';

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

async function live(annotatorId: string, now = Date.now()): Promise<number> {
  return (await read(liveLeases(annotatorId, now))).length;
}

describe('one person', () => {
  it('holds no more pairs than a page shows, whatever the request says is in hand', async () => {
    const [greedy, other] = (await makePeople(2)) as [string, string];
    await labeling({ pairs: 12 });
    const holding: string[] = [];
    for (let i = 0; i < 12; i++) {
      const leased = await leasePairs({ annotatorId: greedy, count: 1, holding });
      if (leased.state === 'pairs') holding.push(...leased.pairs.map(({ leaseId }) => leaseId));
      else expect(leased).toMatchObject({ state: 'hand-full' });
    }
    expect(holding).toHaveLength(pairsInHand);
    expect(await live(greedy)).toBe(pairsInHand);
    expect(await leasePairs({ annotatorId: other })).toMatchObject({ state: 'pairs' });
  });

  it('shares one hand among tabs, and gets more as soon as a pair is answered', async () => {
    const [ann] = (await makePeople(1)) as [string];
    await labeling({ pairs: 2 * pairsInHand });
    const tab = async (holding: string[] = []) => {
      const leased = await leasePairs({ annotatorId: ann, count: pairsInHand, holding });
      return leased.state === 'pairs' ? leased.pairs.map(({ leaseId }) => leaseId) : [];
    };
    const first = await tab();
    expect(await tab()).toEqual(first);
    expect(await tab(first)).toEqual([]);
    await submitPreference({
      id: crypto.randomUUID(),
      leaseId: first[0]!,
      annotatorId: ann,
      answer: 'left',
      shownAtMs: 0,
      decidedAtMs: 900,
      guidelinesVersion: null,
    });
    expect(await tab(first)).toHaveLength(1);
    expect(await live(ann)).toBe(pairsInHand);
  });

  it('cannot pile up pairs by letting leases lapse and renewing them', async () => {
    const [ann] = (await makePeople(1)) as [string];
    await labeling({ pairs: 3 * pairsInHand, labeling: { leaseSeconds: 60 } });
    const start = Date.now();
    const leaseIds: string[] = [];
    for (const now of [start, start + 61_000, start + 122_000]) {
      const leased = await leasePairs({ annotatorId: ann, count: pairsInHand, now });
      if (leased.state === 'pairs') leaseIds.push(...leased.pairs.map(({ leaseId }) => leaseId));
    }
    const now = start + 122_500;
    const { renewed } = await renewLeases({ annotatorId: ann, leaseIds, now });
    expect(renewed.length).toBe(pairsInHand);
    expect(await live(ann, now)).toBe(pairsInHand);
  });

  it('cannot pile up pairs by answering and taking back', async () => {
    const [ann] = (await makePeople(1)) as [string];
    await labeling({ pairs: 30, labeling: { undoWindowSeconds: 3600 } });
    const given: string[] = [];
    for (let i = 0; i < 24; i++) {
      const leased = await leasePairs({ annotatorId: ann });
      if (leased.state !== 'pairs') throw new Error(leased.state);
      const id = crypto.randomUUID();
      const { leaseId } = leased.pairs[0]!;
      const times = { shownAtMs: 0, decidedAtMs: 900, guidelinesVersion: null };
      await submitPreference({ id, leaseId, annotatorId: ann, answer: 'tie', ...times });
      given.push(id);
    }
    for (const preferenceId of given) await undoPreference({ preferenceId, annotatorId: ann });
    expect(await live(ann)).toBe(pairsInHand + undoneMax);
  });
});
