/** Doubt in labels, from the answers of those who gave them, frozen with what a round trains on. */
import { eq } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { trainingPairsOf } from '@/db/answers/training-data';
import { db, schema } from '@/db/client';
import { newId } from '@/db/ids';
import { submitTagging } from '@/db/labeling/taggings';
import { pausePerson } from '@/db/people/users';
import { advanceReadyRounds } from '@/db/rounds/advance';
import { recordSamples } from '@/db/rounds/samples';
import { claimWork } from '@/db/work/queue';
import { finishSampling } from '@/db/work/results';
import type { RunConfigInput } from '@/lib/settings/run-config';
import {
  addPairs,
  makeLabelingRound,
  makePeople,
  makeRun,
  makeSample,
  withTemporaryHome,
} from '../support';

withTemporaryHome();

const labeling = { undoWindowSeconds: 10, labelErrorRate: 0.2 } as const;
const now = Date.now();

function pairOf(id: string) {
  return db().select().from(schema.pairs).where(eq(schema.pairs.id, id)).get()!;
}

/** Writes down who decided for a pair's first sample, and who for its second. */
function decide(pairId: string, first: readonly string[], second: readonly string[] = []) {
  const pair = pairOf(pairId);
  const answered = [...first, ...second].map((annotatorId) => ({
    id: newId(),
    pairId,
    annotatorId,
    leaseId: newId(),
    answer: first.includes(annotatorId) ? ('left' as const) : ('right' as const),
    leftSampleId: pair.sampleAId,
    rightSampleId: pair.sampleBId,
    policyId: newId(),
    purpose: pair.purpose,
    guidelinesVersion: null,
    shownAtMs: now,
    decidedAtMs: now,
    decisionMs: 1,
    createdAt: now,
  }));
  db().insert(schema.preferences).values(answered).run();
}

/** Gold pairs of a round, of which `right` are judged rightly by a person. */
async function goldOf(
  round: Parameters<typeof addPairs>[0],
  annotatorId: string,
  count: number,
  right: number,
) {
  const ids = await addPairs(round, count, { purpose: 'gold' });
  for (const [i, id] of ids.entries()) {
    const goldSampleId = pairOf(id).sampleAId;
    db().update(schema.pairs).set({ goldSampleId }).where(eq(schema.pairs.id, id)).run();
    decide(id, i < right ? [annotatorId] : [], i < right ? [] : [annotatorId]);
  }
}

async function frozen(roundId: string) {
  await advanceReadyRounds(now + 60_000);
  return (await trainingPairsOf(roundId)).map(({ smoothing }) => smoothing);
}

async function labelingRound(rest: RunConfigInput['labeling'], target: number, pairs: number) {
  return makeLabelingRound({ pairs, target, labeling: { ...labeling, ...rest } });
}

describe('doubt in a label', () => {
  it('is none unless asked for, and fixed where it is', async () => {
    const [ann] = await makePeople(1);
    for (const [labelSmoothing, wanted] of [
      ['none', 0],
      ['fixed', 0.2],
    ] as const) {
      const { round, pairIds } = await labelingRound({ labelSmoothing }, 1, 2);
      for (const id of pairIds) decide(id, [ann!]);
      expect(await frozen(round.id)).toEqual([wanted, wanted]);
    }
  });

  it('follows what is known of who gave it, and stays as it was frozen', async () => {
    const [ann, bob, eve] = await makePeople(3);
    const { round, pairIds } = await labelingRound({ labelSmoothing: 'reliability' }, 1, 3);
    await goldOf(round, ann!, 40, 40);
    await goldOf(round, bob!, 40, 25);
    for (const [i, who] of [ann, bob, eve].entries()) decide(pairIds[i]!, [who!]);
    const found = await frozen(round.id);
    // Of ten answers that the prior counts as, two are wrong.
    const wanted = [2 / 50, (2 + 15) / 50, 0.2];
    const byPair = (await trainingPairsOf(round.id)).map(({ pairId }) => pairIds.indexOf(pairId!));
    for (const [i, doubt] of found.entries()) expect(doubt).toBeCloseTo(wanted[byPair[i]!]!, 9);

    await goldOf(round, eve!, 40, 40);
    expect(await frozen(round.id)).toEqual(found);
  });

  it('puts several answers together, without those of people who are paused', async () => {
    const [ann, bob, eve] = await makePeople(3);
    const { round, pairIds } = await labelingRound({ labelSmoothing: 'reliability' }, 2, 2);
    await goldOf(round, ann!, 40, 40);
    await goldOf(round, bob!, 40, 40);
    await pausePerson(eve!, null);
    for (const id of pairIds) decide(id, [ann!, bob!], [eve!]);
    // Each is known by forty gold pairs and by two more answers, which are wrong as often as these
    // labels.
    let wanted = 0;
    for (let turn = 0; turn < 50; turn++) {
      const rate = (2 + 2 * wanted) / 52;
      wanted = rate ** 2 / (rate ** 2 + (1 - rate) ** 2);
    }
    for (const doubt of await frozen(round.id)) expect(doubt).toBeCloseTo(wanted, 7);
  });

  it('of a tagged group is that of those who told the two images apart', async () => {
    const [ann, bob] = await makePeople(2);
    const { round } = await makeRun({
      sampling: { pairSource: 'groups', groupsPerRound: 2, groupSize: 3 },
      labeling: { ...labeling, annotatorsPerPair: 2, labelSmoothing: 'reliability' },
    });
    await goldOf(round, ann!, 40, 40);
    const groups = [0, 1].map(() => ({
      id: newId(),
      roundId: round.id,
      prompt: '1 hand',
      size: 3,
    }));
    const samples = groups.flatMap((group) =>
      [1, 2, 3].map((seed) =>
        makeSample({ policyId: round.startPolicyId, roundId: round.id, groupId: group.id, seed }),
      ),
    );
    await recordSamples({ groups, samples });
    const claimed = await claimWork({ workerId: 'w', kinds: ['sample'] });
    await finishSampling({ workId: claimed!.work.id, workerId: 'w' });
    const tag = (annotatorId: string, group: number, tagged: number[]) =>
      submitTagging({
        id: newId(),
        groupId: groups[group]!.id,
        annotatorId,
        taggedSampleIds: tagged.map((i) => samples[3 * group + i]!.id),
        now,
      });
    // Bob sees nothing wrong with the first group, and the second as Ann does not.
    await tag(ann!, 0, [0]);
    await tag(bob!, 0, []);
    await tag(ann!, 1, []);
    await tag(bob!, 1, [1]);
    await frozen(round.id);
    const trained = await trainingPairsOf(round.id);
    expect(trained).toHaveLength(4);
    for (const { groupId, smoothing } of trained) {
      expect(smoothing).toBeCloseTo(groupId === groups[0]!.id ? 0.04 : 0.2, 9);
    }
  });
});
