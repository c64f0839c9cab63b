import { describe, expect, it } from 'vitest';
import { newId } from '@/db/ids';
import { submitPreference } from '@/db/labeling/preferences';
import { leasePairs } from '@/db/leases/pair-leases';
import { pausePerson } from '@/db/people/users';
import { statementsOf } from '@/db/rewards/reward-data';
import { samplesById } from '@/db/rounds/samples';
import type { Answer } from '@/lib/answers';
import { addPairs, makeLabelingRound, makePeople, withTemporaryHome } from '../support';

withTemporaryHome();

/**
 * Everybody answers every pair they are offered by `choose`, which sees the seeds' order in the
 * pair.
 */
async function answerAll(
  annotatorId: string,
  choose: (pairId: string) => 'first' | 'second' | 'tie' | 'both-bad',
  firstOf: ReadonlyMap<string, string>,
  now: number,
): Promise<void> {
  for (;;) {
    const leased = await leasePairs({ annotatorId, count: 1, now });
    if (leased.state !== 'pairs') return;
    const { pairId, leaseId, left } = leased.pairs[0]!;
    const said = choose(pairId);
    const leftIsFirst = firstOf.get(pairId) === left.sampleId;
    const answer: Answer =
      said === 'tie' || said === 'both-bad'
        ? said
        : (said === 'first') === leftIsFirst
          ? 'left'
          : 'right';
    await submitPreference({
      id: newId(),
      leaseId,
      annotatorId,
      answer,
      shownAtMs: now,
      decidedAtMs: now + 1,
      guidelinesVersion: null,
      now,
    });
  }
}

async function judged() {
  const { pipeline, round, pairIds } = await makeLabelingRound({
    pairs: 4,
    target: 2,
    labeling: { undoWindowSeconds: 0 },
  });
  await addPairs(round, 1, { purpose: 'evaluation' });
  const [one, two] = (await makePeople(2)) as [string, string];
  const firstOf = new Map<string, string>();
  const { db, schema } = await import('@/db/client');
  for (const pair of db().select().from(schema.pairs).all()) firstOf.set(pair.id, pair.sampleAId);
  const now = Date.now();
  const [agreed, split, tied, alone] = pairIds as [string, string, string, string];
  await answerAll(
    one,
    (id) => (id === tied ? 'tie' : id === alone ? 'both-bad' : 'first'),
    firstOf,
    now,
  );
  await answerAll(
    two,
    (id) => (id === agreed ? 'first' : id === split ? 'second' : 'first'),
    firstOf,
    now + 1000,
  );
  return { pipeline, one, two, pairIds: { agreed, split, tied, alone }, now };
}

describe('statementsOf', () => {
  it('gives each pair the share of its people that preferred the first, a tie counting half', async () => {
    const { pipeline, pairIds, now } = await judged();
    const { statements, annotators, ceiling } = await statementsOf(pipeline, 'picks', now + 1000);
    const labels = new Map(statements.map(({ group, label }) => [group, label]));
    expect(labels.get(pairIds.agreed)).toBe(1);
    expect(labels.get(pairIds.split)).toBe(0.5);
    expect(labels.get(pairIds.tied)).toBe(0.75);
    expect(labels.get(pairIds.alone)).toBe(0.75);
    expect(statements).toHaveLength(4);
    expect(annotators).toBe(2);
    // Both preferred a side twice; once it was the same.
    expect(ceiling).toEqual({ count: 1, n: 2 });
    // Four examples of one prompt share its weight.
    expect(statements.map(({ weight }) => weight)).toEqual([0.25, 0.25, 0.25, 0.25]);
    const ids = statements.flatMap(({ first, second }) => [first.id, second!.id]);
    expect(await samplesById(ids)).toHaveLength(8);
  });

  it('leaves out what came later, and people who are paused', async () => {
    const { pipeline, pairIds, two, now } = await judged();
    const early = await statementsOf(pipeline, 'picks', now + 999);
    expect(early.annotators).toBe(1);
    expect(early.statements.find(({ group }) => group === pairIds.split)?.label).toBe(1);
    await pausePerson(two, null);
    const without = await statementsOf(pipeline, 'picks', now + 1000);
    expect(without).toEqual(early);
  });

  it('says nothing of another pipeline', async () => {
    const { statements } = await statementsOf('elsewhere', 'picks', Date.now());
    expect(statements).toEqual([]);
  });
});
