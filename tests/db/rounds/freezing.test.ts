/** What a round trains on is frozen without a long lock, and is never seen in part. */
import { eq } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { markIn } from '@/db/answers/frozen-mark';
import { type Prepared, trainingLabelsOf, trainingPairsOf } from '@/db/answers/training-data';
import { db, schema } from '@/db/client';
import { newId } from '@/db/ids';
import { pausePerson, resumePerson } from '@/db/people/users';
import { advanceReadyRounds, closeLabeling } from '@/db/rounds/advance';
import { freeze } from '@/db/rounds/freezing';
import { cancelRound, getRound } from '@/db/rounds/rounds';
import { roundIn } from '@/db/rounds/rows';
import { startRun } from '@/db/rounds/runs';
import { recordSamples, setVerdicts } from '@/db/rounds/samples';
import { read } from '@/db/transaction';
import { claimWork } from '@/db/work/queue';
import { handsVerdict } from '@/tests/support/hands-verdict';
import { askedDuring, most } from '../../support/statements';
import { addPairs, makeLabelingRound, makePeople, makeSample, withTemporaryHome } from '../support';

withTemporaryHome();

const hour = 3_600_000;
const { pairs, preferences } = schema;

/** Each of them prefers the first image of each pair. */
function answerAll(pairIds: readonly string[], people: readonly string[]) {
  const createdAt = Date.now() - hour;
  db().transaction((tx) => {
    for (const pairId of pairIds) {
      const pair = tx.select().from(pairs).where(eq(pairs.id, pairId)).get()!;
      const given = people.map((annotatorId) => ({
        id: newId(),
        pairId,
        annotatorId,
        leaseId: newId(),
        answer: 'left' as const,
        leftSampleId: pair.sampleAId,
        rightSampleId: pair.sampleBId,
        policyId: '',
        purpose: 'training' as const,
        shownAtMs: 0,
        decidedAtMs: 0,
        decisionMs: 0,
        createdAt,
      }));
      tx.insert(preferences).values(given).run();
    }
  });
}

async function answered(count: number, people: readonly string[], labeling: object = {}) {
  const made = await makeLabelingRound({ pairs: count, target: people.length, labeling });
  answerAll(made.pairIds, people);
  return made;
}

function learnFrom(pipeline: string, method: 'diffusion-dpo' | 'kto') {
  return startRun({
    name: 'asks nobody',
    mode: 'single',
    method,
    pipeline,
    config: {
      prompts: ['1 hand'],
      evaluationPrompts: ['1 hand'],
      labeling: { labelSmoothing: 'reliability' },
    },
    createdBy: null,
  });
}

describe('under the write lock', () => {
  const sizes = [600, 1300];

  it('labeling ends with as many statements and rows, however many answers there are', async () => {
    const people = await makePeople(2);
    const locked = [];
    for (const size of sizes) {
      const made = await answered(size, people, { labelSmoothing: 'reliability' });
      // Nobody waits for these any more: what is withdrawn is another matter.
      db().update(pairs).set({ state: 'complete' }).where(eq(pairs.roundId, made.round.id)).run();
      locked.push(most((await askedDuring(() => advanceReadyRounds())).transactions));
      expect(await trainingPairsOf(made.round.id)).toHaveLength(size);
    }
    expect(locked[1]).toEqual(locked[0]);
    expect(locked[0]!.statements).toBeLessThan(20);
    expect(locked[0]!.rows).toBeLessThan(600);
  });

  it.each(['diffusion-dpo', 'kto'] as const)(
    '%s begins on an archive of any size',
    async (method) => {
      const [ann, bob] = (await makePeople(2)) as [string, string];
      const locked = [];
      for (const size of sizes) {
        const made = await answered(size, [ann]);
        const [pairId] = await addPairs(made.round, 1);
        answerAll([pairId!], [bob]);
        db()
          .update(preferences)
          .set({ answer: 'both-bad' })
          .where(eq(preferences.pairId, pairId!))
          .run();
        let id = '';
        const begin = async () => {
          id = (await learnFrom(made.pipeline, method)).round.id;
        };
        locked.push(most((await askedDuring(begin)).transactions));
        const frozen = [...(await trainingPairsOf(id)), ...(await trainingLabelsOf(id))];
        expect(frozen.length).toBeGreaterThanOrEqual(size);
      }
      expect(locked[1]).toEqual(locked[0]);
      expect(locked[0]!.statements).toBeLessThan(30);
      expect(locked[0]!.rows).toBeLessThan(600);
    },
  );

  it('verdicts are stored with as many statements, however many images were judged', async () => {
    const { round, pairIds } = await makeLabelingRound({ pairs: 2 });
    expect(pairIds).toHaveLength(2);
    const locked = [];
    for (const size of [400, 1200]) {
      const samples = Array.from({ length: size }, () =>
        makeSample({ policyId: round.startPolicyId, roundId: round.id, purpose: 'evaluation' }),
      );
      await recordSamples({ samples });
      const verdicts = samples.map(({ id }) => ({
        sampleId: id,
        verdict: handsVerdict('a “judge”', { deformed: true, blood: true }, { alignment: 1 / 3 }),
      }));
      locked.push(most((await askedDuring(() => setVerdicts(verdicts))).transactions));
      const stored = db()
        .select()
        .from(schema.samples)
        .where(eq(schema.samples.id, samples.at(-1)!.id))
        .get()!;
      expect(stored.verdict).toEqual(verdicts[0]!.verdict);
      const flags = db().select().from(schema.flags).all();
      expect(flags.filter((flag) => flag.sampleId === stored.id)).toHaveLength(2);
    }
    expect(locked[1]).toEqual(locked[0]);
    expect(locked[0]!.statements).toBe(3);
  });
});

describe('what changes meanwhile', () => {
  /**
   * Everything that a round could be frozen to, and something that happens once it has been read.
   */
  async function freezing(roundId: string, meanwhile: (reading: number) => Promise<void>) {
    const read: number[] = [];
    const { prepareTrainingPairs } = await import('@/db/answers/training-data');
    const outcome = await freeze({
      roundId,
      may: ({ state }) => state === 'labeling',
      async prepare(): Promise<Prepared> {
        const prepared = await prepareTrainingPairs(await getRound(roundId), Date.now());
        read.push(prepared.data.heldBack);
        await meanwhile(read.length);
        return prepared;
      },
      finish: (tx, { id }) => roundIn(tx, id),
    });
    return { outcome, read };
  }

  it('is read again: somebody paused after the reading is held back', async () => {
    const [ann, bob] = (await makePeople(2)) as [string, string];
    const { round } = await answered(3, [ann, bob]);
    const { outcome, read } = await freezing(round.id, async (reading) => {
      if (reading === 1) await pausePerson(bob, null);
    });
    expect(outcome).toBe('frozen');
    expect(read).toEqual([0, 3]);
    await resumePerson(bob, null);
  });

  it('is not frozen where it changes all the time, and can be tried again', async () => {
    const [ann, bob] = (await makePeople(2)) as [string, string];
    const { round } = await answered(3, [ann]);
    const restless = freezing(round.id, (reading) =>
      reading % 2 ? pausePerson(bob, null) : resumePerson(bob, null),
    );
    await expect(restless).rejects.toMatchObject({ code: 'unavailable' });
    expect(await trainingPairsOf(round.id)).toEqual([]);
    await closeLabeling(round.id, null);
    expect(await trainingPairsOf(round.id)).toHaveLength(3);
  });

  it('leaves nothing of a round that was cancelled', async () => {
    const [ann] = (await makePeople(1)) as [string];
    const { round } = await answered(3, [ann]);
    const { outcome } = await freezing(round.id, () => cancelRound(round.id, null));
    expect(outcome).toBe('withdrawn');
    const left = db()
      .select()
      .from(schema.trainingPairs)
      .where(eq(schema.trainingPairs.roundId, round.id))
      .all();
    expect(left).toEqual([]);
    expect(await getRound(round.id)).toMatchObject({ state: 'cancelled', freezing: null });
  });

  it('is somebody else’s, while they are at it', async () => {
    const [ann] = (await makePeople(1)) as [string];
    const { round } = await answered(3, [ann]);
    const { outcome } = await freezing(round.id, async () => {
      await advanceReadyRounds();
      await expect(closeLabeling(round.id, null)).rejects.toThrow(/being frozen already/);
      expect((await getRound(round.id)).state).toBe('labeling');
    });
    expect(outcome).toBe('frozen');
    await cancelRound(round.id, null);
  });
});

describe('after a death between two portions', () => {
  it('nothing of it is seen, and the next trainer freezes all of it', async () => {
    const [ann] = (await makePeople(1)) as [string];
    const { round } = await answered(4, [ann]);
    const dying = freeze({
      roundId: round.id,
      may: () => true,
      async prepare() {
        const markedBy = { until: 0, since: 0, withFlags: false };
        return {
          // The second row refers to an image that is not there: no later portion is reached.
          pairs: [sampleIds(round.id), { winnerSampleId: 'none', loserSampleId: 'none' }].map(
            (ids) => ({ pairId: null, groupId: null, weight: 1, ...ids }),
          ),
          labels: [],
          data: {} as Prepared['data'],
          mark: await read(markIn(db(), markedBy)),
          markedBy,
        };
      },
      finish: (tx, { id }) => roundIn(tx, id),
    });
    await expect(dying).rejects.toThrow();
    const half = { roundId: round.id, ordinal: 7, weight: 1, ...sampleIds(round.id) };
    db().insert(schema.trainingPairs).values(half).run();
    expect(await trainingPairsOf(round.id)).toEqual([]);
    await advanceReadyRounds();
    expect((await getRound(round.id)).state).toBe('training');
    const trained = await trainingPairsOf(round.id);
    expect(trained.map(({ ordinal }) => ordinal)).toEqual([0, 1, 2, 3]);
  });

  it('a round that was opened on the archive waits for it, and for nobody else', async () => {
    const [ann] = (await makePeople(1)) as [string];
    const made = await answered(4, [ann]);
    const { round } = await learnFrom(made.pipeline, 'diffusion-dpo');
    // As it is before the last transaction: no work yet, and somebody at it who has died.
    db().delete(schema.work).where(eq(schema.work.roundId, round.id)).run();
    const set = (at: number) =>
      db()
        .update(schema.rounds)
        .set({ freezing: { token: 'dead', at }, manifest: null })
        .where(eq(schema.rounds.id, round.id))
        .run();
    set(Date.now());
    await advanceReadyRounds();
    expect(await trainingPairsOf(round.id)).toEqual([]);
    set(Date.now() - 60_000);
    await advanceReadyRounds();
    const claims = [];
    for (;;) {
      const claimed = await claimWork({ workerId: 'w', kinds: ['train'] });
      if (!claimed) break;
      claims.push(claimed.round.id);
    }
    expect(claims).toContain(round.id);
    expect(await trainingPairsOf(round.id)).toHaveLength(4);
    expect((await getRound(round.id)).manifest?.trainingData).toMatchObject({ trainingPairs: 4 });
  });
});

function sampleIds(roundId: string) {
  const pair = db().select().from(pairs).where(eq(pairs.roundId, roundId)).get()!;
  return { winnerSampleId: pair.sampleAId, loserSampleId: pair.sampleBId };
}
