import { eq } from 'drizzle-orm';
import { afterEach, describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import { submitPreference, undoPreference } from '@/db/labeling/preferences';
import { submitTagging } from '@/db/labeling/taggings';
import { leaseGroups } from '@/db/leases/group-leases';
import { type LeasedPair, leasePairs } from '@/db/leases/pair-leases';
import { pausePerson, resumePerson } from '@/db/people/users';
import { advanceReadyRounds } from '@/db/rounds/advance';
import { getRound } from '@/db/rounds/rounds';
import { cancelRun } from '@/db/rounds/runs';
import { recordSamples } from '@/db/rounds/samples';
import { pairs } from '@/db/schema/labels';
import { claimWork } from '@/db/work/queue';
import { finishSampling } from '@/db/work/results';
import type { Answer } from '@/lib/answers';
import { makeLabelingRound, makePeople, makeRun, makeSample, withTemporaryHome } from '../support';

withTemporaryHome();

const runIds: string[] = [];
const labeling = { undoWindowSeconds: 0 };

afterEach(async () => {
  for (const id of runIds.splice(0)) await cancelRun(id, null);
});

async function labelingRound(...args: Parameters<typeof makeLabelingRound>) {
  const made = await makeLabelingRound(...args);
  runIds.push(made.run.id);
  return made;
}

async function submit(pair: LeasedPair, annotatorId: string, answer: Answer) {
  const id = crypto.randomUUID();
  const times = { shownAtMs: 0, decidedAtMs: 800, guidelinesVersion: null };
  const result = await submitPreference({
    id,
    leaseId: pair.leaseId,
    annotatorId,
    answer,
    ...times,
  });
  return { id, status: result.status };
}

async function answerAll(annotatorId: string, answer: Answer): Promise<string[]> {
  const answered: string[] = [];
  for (;;) {
    const leased = await leasePairs({ annotatorId });
    if (leased.state !== 'pairs') return answered;
    for (const pair of leased.pairs) {
      expect((await submit(pair, annotatorId, answer)).status).toBe('accepted');
      answered.push(pair.pairId);
    }
  }
}

const stateOf = (id: string) => db().select().from(pairs).where(eq(pairs.id, id)).get()?.state;

const labeledIn = async (roundId: string) => (await getRound(roundId)).progress.labeled;

describe('pairs that only a paused person answered', () => {
  it('open again, and the round trains on what others say of them', async () => {
    const [spammer, honest] = (await makePeople(2)) as [string, string];
    const { round, pairIds } = await labelingRound({ pairs: 3, labeling });
    await answerAll(spammer, 'tie');
    expect(await labeledIn(round.id)).toBe(3);
    await pausePerson(spammer, null);
    expect(await labeledIn(round.id)).toBe(0);
    await advanceReadyRounds();
    expect((await getRound(round.id)).state).toBe('labeling');
    expect((await answerAll(honest, 'left')).sort()).toEqual([...pairIds].sort());
    expect(await labeledIn(round.id)).toBe(3);
    await advanceReadyRounds();
    const trained = await getRound(round.id);
    expect(trained.state).toBe('training');
    expect(trained.manifest?.trainingData).toMatchObject({
      trainingPairs: 3,
      heldBack: 3,
      used: 3,
    });
  });

  it('fill up at once when the person is resumed, whatever others said of them meanwhile', async () => {
    const [first, second] = (await makePeople(2)) as [string, string];
    const { round, pairIds } = await labelingRound({ pairs: 2, labeling });
    await answerAll(first, 'left');
    await pausePerson(first, null);
    expect(pairIds.map(stateOf)).toEqual(['open', 'open']);
    const leased = await leasePairs({ annotatorId: second, count: 2 });
    if (leased.state !== 'pairs') throw new Error(leased.state);
    const [one, other] = leased.pairs as [LeasedPair, LeasedPair];
    await submit(one, second, 'right');
    expect(await labeledIn(round.id)).toBe(1);
    await resumePerson(first, null);
    expect(pairIds.map(stateOf)).toEqual(['complete', 'complete']);
    expect(await labeledIn(round.id)).toBe(3);
    expect((await submit(other, second, 'right')).status).toBe('pair-complete');
  });

  it('stay closed where others judged them too, and the round goes on', async () => {
    const [first, second] = (await makePeople(2)) as [string, string];
    const { round, pairIds } = await labelingRound({ pairs: 2, target: 2, labeling });
    await answerAll(first, 'right');
    await answerAll(second, 'left');
    await pausePerson(first, null);
    expect(pairIds.map(stateOf)).toEqual(['complete', 'complete']);
    expect(await labeledIn(round.id)).toBe(2);
    await advanceReadyRounds();
    const trained = await getRound(round.id);
    expect(trained.manifest?.trainingData).toMatchObject({ trainingPairs: 2, heldBack: 2 });
  });

  it('keep their counts when an answer is taken back', async () => {
    const [spammer, honest] = (await makePeople(2)) as [string, string];
    const { round } = await labelingRound({ pairs: 2, labeling: { undoWindowSeconds: 60 } });
    await answerAll(spammer, 'left');
    await pausePerson(spammer, null);
    const leased = await leasePairs({ annotatorId: honest });
    if (leased.state !== 'pairs') throw new Error(leased.state);
    const { id } = await submit(leased.pairs[0]!, honest, 'left');
    expect(await labeledIn(round.id)).toBe(1);
    await undoPreference({ preferenceId: id, annotatorId: honest });
    expect(await labeledIn(round.id)).toBe(0);
    await resumePerson(spammer, null);
    expect(await labeledIn(round.id)).toBe(2);
  });
});

it('a round that fails for want of preferences names the answers held back', async () => {
  const [spammer, undecided] = (await makePeople(2)) as [string, string];
  const { round } = await labelingRound({ pairs: 2, target: 2, labeling });
  await answerAll(spammer, 'left');
  await answerAll(undecided, 'tie');
  await pausePerson(spammer, null);
  await advanceReadyRounds();
  const failed = await getRound(round.id);
  expect(failed.state).toBe('failed');
  expect(failed.error).toContain('None of the 2 answers that count');
  expect(failed.error).toContain('2 more are held back');
});

it('groups that only a paused person tagged count no more, until that person is resumed', async () => {
  const [tagger] = (await makePeople(1)) as [string];
  const { run, round } = await makeRun({
    sampling: { pairSource: 'groups', groupsPerRound: 2, groupSize: 2 },
    labeling,
  });
  runIds.push(run.id);
  const made = [1, 2].map(() => ({
    id: crypto.randomUUID(),
    roundId: round.id,
    prompt: 'p',
    size: 2,
  }));
  await recordSamples({
    groups: made,
    samples: made.flatMap(({ id }) =>
      [1, 2].map(() =>
        makeSample({ policyId: round.startPolicyId, roundId: round.id, groupId: id }),
      ),
    ),
  });
  const claimed = await claimWork({ workerId: 'w', kinds: ['sample'] });
  await finishSampling({ workId: claimed!.work.id, workerId: 'w' });
  const leased = await leaseGroups({ annotatorId: tagger });
  const open = leased.state === 'groups' ? leased.groups[0] : undefined;
  await submitTagging({
    id: crypto.randomUUID(),
    groupId: open!.groupId,
    annotatorId: tagger,
    taggedSampleIds: [],
  });
  expect(await labeledIn(round.id)).toBe(1);
  await pausePerson(tagger, null);
  expect(await labeledIn(round.id)).toBe(0);
  await resumePerson(tagger, null);
  expect(await labeledIn(round.id)).toBe(1);
});
