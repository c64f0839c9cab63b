import { describe, expect, it } from 'vitest';
import { newId } from '@/db/ids';
import { advanceReadyRounds, getRound } from '@/db/rounds';
import { recordSamples } from '@/db/samples';
import { nextGroups, submitTagging, undoTagging } from '@/db/taggings';
import { trainingPairsOf } from '@/db/training-data';
import { claimWork, finishSampling } from '@/db/work';
import { makePeople, makeRun, makeSample, withTemporaryHome } from './support';

withTemporaryHome();

async function makeGroups(count: number, annotatorsPerPair: number) {
  const { round } = await makeRun({
    sampling: { pairSource: 'groups', groupsPerRound: count },
    labeling: { annotatorsPerPair, undoWindowSeconds: 10 },
  });
  const groups = Array.from({ length: count }, () => ({
    id: newId(),
    roundId: round.id,
    prompt: '1 hand',
    size: 7,
  }));
  const samples = groups.flatMap((group) =>
    Array.from({ length: 7 }, (_, seed) =>
      makeSample({
        policyId: round.startPolicyId,
        roundId: round.id,
        groupId: group.id,
        seed,
      }),
    ),
  );
  await recordSamples({ groups, samples });
  const claimed = await claimWork({ workerId: 'w', kinds: ['sample'] });
  await finishSampling({ workId: claimed!.work.id, workerId: 'w' });
  return round;
}

describe('tagging groups', () => {
  it('yields untagged beats tagged, once, and ends the round', async () => {
    const [ann] = await makePeople(1);
    const round = await makeGroups(2, 1);
    const now = Date.now();
    const tagged: string[] = [];
    for (;;) {
      const [next] = await nextGroups({ annotatorId: ann!, roundId: round.id });
      if (!next) break;
      expect(next.samples).toHaveLength(7);
      const bad = next.samples[2]!.id;
      tagged.push(bad);
      const tagging = {
        id: newId(),
        groupId: next.group.id,
        annotatorId: ann!,
        taggedSampleIds: [bad],
        now,
      };
      expect(await submitTagging(tagging)).toMatchObject({ status: 'accepted', duplicate: false });
      expect(await submitTagging(tagging)).toMatchObject({ status: 'accepted', duplicate: true });
    }
    expect((await getRound(round.id)).progress).toMatchObject({
      labeled: 2,
      preferencesWanted: 2,
    });
    await advanceReadyRounds(now + 10_000);
    const pairs = await trainingPairsOf(round.id);
    expect(pairs).toHaveLength(12);
    expect(new Set(pairs.map((pair) => pair.loser.id))).toEqual(new Set(tagged));
  });

  it('takes as many readings as wanted, lets them be undone, and refuses strangers', async () => {
    const [ann, bob] = await makePeople(2);
    const round = await makeGroups(1, 1);
    const now = Date.now();
    const [open] = await nextGroups({ annotatorId: ann!, roundId: round.id });
    const { group } = open!;
    const tag = (annotatorId: string, taggedSampleIds: string[] = []) => {
      const id = newId();
      return submitTagging({ id, groupId: group.id, annotatorId, taggedSampleIds, now });
    };
    await expect(tag(ann!, ['stranger'])).rejects.toThrow('stranger');
    const first = await tag(ann!);
    if (first.status !== 'accepted') throw new Error(first.status);
    expect(await tag(ann!)).toMatchObject({ status: 'already-tagged' });
    expect(await tag(bob!)).toEqual({ status: 'group-complete' });
    expect(await nextGroups({ annotatorId: bob!, roundId: round.id })).toEqual([]);
    const undo = { id: first.taggingId, annotatorId: ann! };
    expect(await undoTagging({ ...undo, now: now + 10_000 })).toBe(false);
    expect(await undoTagging({ ...undo, now: now + 9_999 })).toBe(true);
    expect((await getRound(round.id)).progress.labeled).toBe(0);
    expect(await tag(bob!)).toMatchObject({ status: 'accepted' });
  });
});
