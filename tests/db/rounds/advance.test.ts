/** A round moves on because of what people said, and not because somebody asks for work. */
import { beforeEach, describe, expect, it } from 'vitest';
import { skipPair, submitPreference, undoPreference } from '@/db/labeling/preferences';
import { submitTagging, undoTagging } from '@/db/labeling/taggings';
import { leaseGroups } from '@/db/leases/group-leases';
import { leasePairs } from '@/db/leases/pair-leases';
import { pausePerson, resumePerson } from '@/db/people/users';
import { advance, advanceDueRounds, advanceReadyRounds } from '@/db/rounds/advance';
import { cancelRound, getRound, pauseRound, resumeRound } from '@/db/rounds/rounds';
import { cancelRun, listRuns } from '@/db/rounds/runs';
import { claimWork } from '@/db/work/queue';
import { askedDuring } from '../../support/statements';
import { makeGroupRound, makeLabelingRound, makePeople, withTemporaryHome } from '../support';

withTemporaryHome();

beforeEach(async () => {
  for (const run of await listRuns()) await cancelRun(run.id, null);
});

const labeling = { undoWindowSeconds: 10 };

async function lease(annotatorId: string, now: number) {
  const leased = await leasePairs({ annotatorId, now });
  if (leased.state !== 'pairs') throw new Error(leased.state);
  return leased.pairs[0]!;
}

async function answer(annotatorId: string, now: number): Promise<string> {
  const { leaseId } = await lease(annotatorId, now);
  const id = crypto.randomUUID();
  const times = { shownAtMs: now, decidedAtMs: now, now };
  const said = { answer: 'left' as const, guidelinesVersion: null };
  await submitPreference({ id, leaseId, annotatorId, ...said, ...times });
  return id;
}

const stateOf = async ({ id }: { id: string }) => (await getRound(id)).state;
const lookAtOf = async ({ id }: { id: string }) => (await getRound(id)).lookAt;
const statementsOf = async (operation: () => Promise<unknown>) =>
  (await askedDuring(operation)).statements;
const readingAnswers = (statements: readonly string[]) =>
  statements.filter((sql) => /^select.+from "(preferences|taggings)"/i.test(sql));

/** Nothing is due any more at this instant. */
async function looked(round: { id: string }, now: number) {
  await advanceDueRounds(now);
  expect(await stateOf(round)).toBe('labeling');
}

describe('a look', () => {
  it('comes when the last answer that is wanted can no longer be undone, and not before', async () => {
    const [ann] = (await makePeople(1)) as [string];
    const { round } = await makeLabelingRound({ pairs: 2, labeling });
    const at = Date.now() + 60_000;
    await looked(round, at);
    expect(await lookAtOf(round)).toBeNull();
    await answer(ann, at);
    await answer(ann, at + 3000);
    expect(await lookAtOf(round)).toBe(at + 10_000);
    await looked(round, at + 10_000);
    expect(await lookAtOf(round)).toBe(at + 13_000);
    expect(readingAnswers(await statementsOf(() => looked(round, at + 12_999)))).toEqual([]);
    await advanceDueRounds(at + 13_000);
    expect(await getRound(round.id)).toMatchObject({ state: 'training', lookAt: null });
  });

  it('is noted by a skip, an answer taken back and a person who is paused or goes on', async () => {
    const [ann, bob] = (await makePeople(2)) as [string, string];
    const { round } = await makeLabelingRound({ pairs: 5, target: 2, labeling });
    const at = Date.now() + 60_000;
    const notes = async (change: (now: number) => Promise<unknown>, now: number) => {
      await looked(round, now);
      await change(now);
      return (await lookAtOf(round))! - now;
    };
    const first = await answer(ann, at);
    await answer(bob, at);
    const skip = async (now: number) => {
      const { leaseId } = await lease(ann, now);
      await skipPair({ leaseId, annotatorId: ann, now });
    };
    expect(await notes(skip, at)).toBe(0);
    const undo = (now: number) => undoPreference({ preferenceId: first, annotatorId: ann, now });
    expect(await notes(undo, at + 1000)).toBe(0);
    for (const change of [pausePerson, resumePerson]) {
      await looked(round, at + 60_000);
      expect(await lookAtOf(round)).toBeNull();
      await change(bob, null);
      expect(await lookAtOf(round)).toBeLessThanOrEqual(Date.now());
    }
  });

  it('is noted by readings of groups, too', async () => {
    const [ann] = (await makePeople(1)) as [string];
    const { round } = await makeGroupRound({ groups: 1, labeling });
    const at = Date.now() + 60_000;
    await looked(round, at);
    const leased = await leaseGroups({ annotatorId: ann, now: at });
    if (leased.state !== 'groups') throw new Error(leased.state);
    const { groupId } = leased.groups[0]!;
    const tag = (id: string, now: number) =>
      submitTagging({ id, groupId, annotatorId: ann, taggedSampleIds: [], now });
    await tag('first', at);
    expect(await lookAtOf(round)).toBe(at + 10_000);
    await undoTagging({ id: 'first', annotatorId: ann, now: at + 1000 });
    expect(await lookAtOf(round)).toBe(at + 1000);
    await looked(round, at + 1000);
    await tag('second', at + 2000);
    await advanceDueRounds(at + 12_000);
    expect(await stateOf(round)).not.toBe('labeling');
  });

  it('waits while a round is held, and comes when it goes on', async () => {
    const [ann] = (await makePeople(1)) as [string];
    const { round } = await makeLabelingRound({ pairs: 2, labeling });
    const at = Date.now();
    await answer(ann, at);
    await answer(ann, at);
    await pauseRound(round.id, null);
    await looked(round, at + 10_000);
    await resumeRound(round.id, null);
    await advanceDueRounds(at + 10_000);
    expect(await stateOf(round)).toBe('training');
  });

  it('by whoever died is made up for', async () => {
    const [ann] = (await makePeople(1)) as [string];
    const { round } = await makeLabelingRound({ pairs: 2, labeling });
    const at = Date.now();
    await answer(ann, at);
    await looked(round, at + 10_000);
    await answer(ann, at);
    // What one looks at is noted no more.
    await advance(round.id, at + 9000);
    await advanceReadyRounds(at + 10_000);
    expect(await stateOf(round)).toBe('training');
  });
});

describe('trainers without work', () => {
  it('read no answers and take no lock, however many ask, as long as nothing changes', async () => {
    const [ann] = (await makePeople(1)) as [string];
    const { round } = await makeLabelingRound({ pairs: 3, labeling });
    const at = Date.now() + 60_000;
    await answer(ann, at);
    await looked(round, at + 10_000);
    const idle = await statementsOf(async () => {
      for (const workerId of ['a', 'b', 'c']) {
        expect(await claimWork({ workerId, now: at + 20_000 })).toBeNull();
        await advanceDueRounds(at + 20_000);
      }
    });
    expect(idle).toHaveLength(9);
    expect(idle.filter((sql) => /begin|update|"preferences"/i.test(sql))).toEqual([]);
  });

  it('do not look at the same round together', async () => {
    const [ann] = (await makePeople(1)) as [string];
    const { round } = await makeLabelingRound({ pairs: 3, labeling });
    const at = Date.now();
    await answer(ann, at);
    const reads = await statementsOf(() =>
      Promise.all([1, 2, 3].map(() => advanceDueRounds(at + 10_000))),
    );
    // How many have settled; which have not; whether more can come.
    expect(readingAnswers(reads)).toHaveLength(3);
    await cancelRound(round.id, null);
  });

  it('never move a round on by asking for work', async () => {
    const [ann] = (await makePeople(1)) as [string];
    const { round } = await makeLabelingRound({ pairs: 2, labeling });
    const at = Date.now();
    await answer(ann, at);
    await answer(ann, at);
    expect(await claimWork({ workerId: 'a', now: at + 3_600_000 })).toBeNull();
    expect(await stateOf(round)).toBe('labeling');
  });
});
