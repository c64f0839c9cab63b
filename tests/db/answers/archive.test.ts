import { eq } from 'drizzle-orm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readArchive } from '@/db/answers/archive';
import { trainingLabelsOf, trainingPairsOf } from '@/db/answers/training-data';
import { db, schema } from '@/db/client';
import { newId } from '@/db/ids';
import { pausePerson } from '@/db/people/users';
import { createPolicy, ensureBasePolicy } from '@/db/policies/policies';
import { advanceReadyRounds } from '@/db/rounds/advance';
import { listRounds } from '@/db/rounds/rounds';
import { resumeRun, startRun } from '@/db/rounds/runs';
import { type NewGroup, type NewPair, type NewSample, recordSamples } from '@/db/rounds/samples';
import { claimWork } from '@/db/work/queue';
import { finishEvaluation, finishTraining } from '@/db/work/results';
import { type Answer, answers as answerKinds } from '@/lib/answers';
import type { Method } from '@/lib/methods';
import { archiveDataSchema } from '@/lib/training/archive';
import { setFlag } from '../../support/flags';
import { makePeople, makeSample, withTemporaryHome } from '../support';

withTemporaryHome();

const { preferences, taggings, flags } = schema;
const undoSeconds = 20;
const hour = 3_600_000;

/** A pipeline with a round in which pairs and groups may be judged. */
async function makePipeline() {
  const pipeline = newId();
  const base = await ensureBasePolicy({ pipeline, name: 'base', hash: newId() });
  const { round } = await startRun({
    name: 'asks people',
    mode: 'single',
    method: 'd3po',
    pipeline,
    config: {
      prompts: ['1 hand'],
      evaluationPrompts: ['1 hand'],
      labeling: { undoWindowSeconds: undoSeconds },
    },
    createdBy: null,
  });
  return { pipeline, base, round };
}

type Made = Awaited<ReturnType<typeof makePipeline>>;

function train(
  made: Made,
  method: Method,
  config: object = {},
  mode: 'single' | 'online' = 'single',
) {
  return startRun({
    name: 'asks nobody',
    mode,
    method,
    pipeline: made.pipeline,
    config: { prompts: ['1 hand'], evaluationPrompts: ['1 hand'], ...config },
    createdBy: null,
  });
}

async function addPair(
  { base, round }: Made,
  rest: Partial<NewPair> = {},
  sample: Partial<NewSample> = {},
) {
  const of = { policyId: base.id, roundId: round.id, ...sample };
  const [a, b] = [makeSample(of), makeSample(of)];
  const pair: NewPair = {
    id: newId(),
    roundId: round.id,
    groupId: null,
    prompt: a.prompt,
    sampleAId: a.id,
    sampleBId: b.id,
    sharedNoise: false,
    purpose: 'training',
    target: 9,
    ...rest,
  };
  await recordSamples({ samples: [a, b], pairs: [pair] });
  return { pairId: pair.id, a: a.id, b: b.id };
}

async function addGroup({ base, round }: Made, size: number) {
  const group: NewGroup = { id: newId(), roundId: round.id, prompt: '1 hand', size };
  const samples = Array.from({ length: size }, (_, seed) =>
    makeSample({ policyId: base.id, roundId: round.id, groupId: group.id, seed }),
  );
  await recordSamples({ groups: [group], samples });
  return { groupId: group.id, ids: samples.map(({ id }) => id) };
}

function answer(
  { pairId, a, b }: { pairId: string; a: string; b: string },
  annotatorId: string,
  given: Answer,
  { agoMs = hour, superseded = false, purpose = 'training' as const } = {},
) {
  const id = newId();
  db()
    .insert(preferences)
    .values({
      id,
      pairId,
      annotatorId,
      leaseId: id,
      answer: given,
      leftSampleId: a,
      rightSampleId: b,
      policyId: '',
      purpose,
      shownAtMs: 0,
      decidedAtMs: 0,
      decisionMs: 0,
      supersededAt: superseded ? Date.now() : null,
      createdAt: Date.now() - agoMs,
    })
    .run();
}

function tag(groupId: string, annotatorId: string, taggedSampleIds: string[], agoMs = hour) {
  db()
    .insert(taggings)
    .values({ id: newId(), groupId, annotatorId, taggedSampleIds, createdAt: Date.now() - agoMs })
    .run();
}

it('trains pairs on all that stands, wherever it was asked', async () => {
  const made = await makePipeline();
  const [ann, bob, eve] = (await makePeople(3)) as [string, string, string];
  const agreed = await addPair(made);
  answer(agreed, ann, 'left');
  answer(agreed, bob, 'left');
  const majority = await addPair(made);
  answer(majority, ann, 'right');
  answer(majority, bob, 'right');
  answer(majority, eve, 'left');
  const odds = await addPair(made);
  answer(odds, ann, 'left');
  answer(odds, bob, 'right');
  const tied = await addPair(made);
  answer(tied, ann, 'tie');
  answer(tied, bob, 'both-bad');
  const young = await addPair(made);
  answer(young, ann, 'left', { agoMs: (undoSeconds - 1) * 1000 });
  answer(young, bob, 'right', { superseded: true });
  for (const purpose of ['gold', 'evaluation'] as const) {
    const other = await addPair(made, { purpose }, { purpose });
    answer(other, ann, 'left');
  }
  const group = await addGroup(made, 3);
  tag(group.groupId, ann, [group.ids[2]!]);
  answer(await addPair(await makePipeline()), ann, 'left');

  const { round } = await train(made, 'diffusion-dpo');
  expect(round.state).toBe('training');
  const frozen = await trainingPairsOf(round.id);
  expect(frozen.map(({ winner, loser, weight }) => [winner.id, loser.id, weight])).toEqual([
    [agreed.a, agreed.b, 1],
    [majority.b, majority.a, 1 / 3],
    [group.ids[0], group.ids[2], 1],
    [group.ids[1], group.ids[2], 1],
  ]);
  expect(round.manifest?.trainingData).toMatchObject({
    answers: 11,
    used: 6,
    tooYoung: 1,
    heldBack: 0,
    undecided: 4,
    trainingPairs: 4,
    archive: {
      rounds: 1,
      annotators: 3,
      ties: 1,
      bothBad: 1,
      atOdds: 2,
      images: 7,
      imported: 0,
      encoded: 7,
    },
  });

  await pausePerson(eve, null);
  const weighed = await trainingPairsOf((await train(made, 'diffusion-dpo')).round.id);
  expect(weighed[1]!.weight).toBe(1);
  // What was frozen stays as it was.
  expect(await trainingPairsOf(round.id)).toEqual(frozen);
});

it('calls an image bad by any mark, and good only where somebody judged it and nobody marked it', async () => {
  const made = await makePipeline();
  const [ann, bob] = (await makePeople(2)) as [string, string];
  const picked = await addPair(made);
  answer(picked, ann, 'left');
  const disputed = await addPair(made);
  answer(disputed, ann, 'left');
  answer(disputed, bob, 'both-bad');
  const flagged = await addPair(made);
  answer(flagged, ann, 'left');
  const cleared = await addPair(made);
  answer(cleared, ann, 'left');
  const judged = await addPair(made);
  answer(judged, ann, 'left');
  const tied = await addPair(made);
  answer(tied, ann, 'tie');
  const group = await addGroup(made, 3);
  tag(group.groupId, ann, [group.ids[1]!]);
  tag(group.groupId, bob, []);
  const unseen = await addPair(made);
  const measured = await addPair(made, { purpose: 'evaluation' }, { purpose: 'evaluation' });
  for (const sampleId of [flagged.a, cleared.a, unseen.a, measured.a]) {
    await setFlag({ sampleId, kind: 'hand', annotatorId: bob });
  }
  db()
    .insert(flags)
    .values({ id: newId(), sampleId: judged.a, kind: 'hand', source: 'judge', createdAt: 0 })
    .run();
  db()
    .update(flags)
    .set({ createdAt: Date.now() - hour })
    .run();
  db().update(flags).set({ state: 'rejected' }).where(eq(flags.sampleId, cleared.a)).run();

  const { round } = await train(made, 'kto');
  const labels = await trainingLabelsOf(round.id);
  const of = (good: boolean) =>
    labels.filter((label) => label.good === good).map(({ sample }) => sample.id);
  expect(of(true).sort()).toEqual(
    [picked.a, cleared.a, judged.a, group.ids[0]!, group.ids[2]!].sort(),
  );
  expect(of(false).sort()).toEqual(
    [disputed.a, disputed.b, flagged.a, group.ids[1]!, unseen.a].sort(),
  );
  const { archive } = round.manifest!.trainingData as { archive: unknown };
  expect(archiveDataSchema.parse(archive)).toMatchObject({
    labels: { good: 5, bad: 5 },
    flags: 2,
    annotators: 2,
    ties: 1,
    bothBad: 1,
    atOdds: 0,
  });
});

describe('where there is nothing to train on', () => {
  it('refuses before the start, with the counts and what to do', async () => {
    const made = await makePipeline();
    const [ann, bob] = (await makePeople(2)) as [string, string];
    const runs = () => db().select().from(schema.runs).all().length;
    const before = runs();
    await expect(train(made, 'diffusion-dpo')).rejects.toMatchObject({
      code: 'unprocessable',
      message: expect.stringMatching(/0 answers .+ npm run import/),
    });
    const odds = await addPair(made);
    answer(odds, ann, 'left');
    answer(odds, bob, 'right');
    answer(await addPair(made), ann, 'tie');
    answer(await addPair(made), ann, 'both-bad');
    await expect(train(made, 'diffusion-dpo')).rejects.toThrow(
      '4 answers on images of this pipeline, and 0 flags: 1 ties, 1 both bad, 2 at odds with others, 0 by paused annotators, 0 still within the undo window. None makes a training pair',
    );
    await pausePerson(bob, null);
    const { round } = await train(made, 'diffusion-dpo');
    expect(round.manifest?.trainingData).toMatchObject({
      heldBack: 1,
      archive: { annotators: 1 },
    });
    expect(runs()).toBe(before + 1);
  });

  it('wants images of both kinds for KTO', async () => {
    const made = await makePipeline();
    const [ann] = (await makePeople(1)) as [string];
    answer(await addPair(made), ann, 'left');
    await expect(train(made, 'kto')).rejects.toThrow(/1 good and 0 bad images.+Flag defects/);
    const bad = await makePipeline();
    answer(await addPair(bad), ann, 'both-bad');
    await expect(train(bad, 'kto')).rejects.toThrow(/0 good and 2 bad images.+Pick winners/);
  });

  it('fails the next round of an online run, but not the round before it', async () => {
    const made = await makePipeline();
    const [ann] = (await makePeople(1)) as [string];
    answer(await addPair(made), ann, 'left');
    const { run, round } = await train(
      made,
      'diffusion-dpo',
      { serving: { maxRounds: 2 } },
      'online',
    );
    await pausePerson(ann, null);
    const workerId = newId();
    const claim = async (kind: 'train' | 'evaluate') => {
      // Other tests' rounds wait as well.
      for (;;) {
        const claimed = await claimWork({ workerId, kinds: [kind] });
        if (claimed!.round.id === round.id) return { workId: claimed!.work.id, workerId };
      }
    };
    const policy = await createPolicy({
      name: 'trained',
      parentId: made.base.id,
      pipeline: made.pipeline,
      adapterBlob: newId(),
      hash: newId(),
      manifest: {},
      roundId: round.id,
    });
    await finishTraining({ ...(await claim('train')), resultPolicyId: policy.id });
    await finishEvaluation(await claim('evaluate'));
    await advanceReadyRounds();
    const [second, first] = await listRounds({ runId: run.id });
    expect(first!.state).toBe('done');
    expect(second).toMatchObject({ ordinal: 2, state: 'failed' });
    expect(second!.error).toMatch(/1 by paused annotators/);
    await expect(resumeRun(run.id, null)).rejects.toThrow(/nothing else/);
    expect(await listRounds({ runId: run.id })).toHaveLength(2);
  });
});

it('freezes, of any answers, exactly those that say something, and the same twice', async () => {
  const people = await makePeople(3);
  await pausePerson(people[2]!, null);
  const given = fc.record({
    by: fc.nat(2),
    answer: fc.constantFrom(...answerKinds),
    agoMs: fc.constantFrom(0, hour),
    superseded: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uniqueArray(given, { maxLength: 3, selector: ({ by }) => by }), {
        minLength: 1,
        maxLength: 6,
      }),
      async (perPair) => {
        const made = await makePipeline();
        const wins: Record<string, number> = {};
        const bad = new Set<string>();
        const wanted: [string, string, number][] = [];
        for (const answers of perPair) {
          const pair = await addPair(made);
          for (const { by, answer: kind, ...rest } of answers) {
            answer(pair, people[by]!, kind, rest);
          }
          const counted = answers.filter((a) => a.by < 2 && a.agoMs > 0 && !a.superseded);
          const [left, right] = (['left', 'right'] as const).map(
            (side) => counted.filter((a) => a.answer === side).length,
          ) as [number, number];
          if (left > 0) wins[pair.a] = left;
          if (right > 0) wins[pair.b] = right;
          if (counted.some((a) => a.answer === 'both-bad')) bad.add(pair.a).add(pair.b);
          if (left === right) continue;
          const [winner, loser] = left > right ? [pair.a, pair.b] : [pair.b, pair.a];
          wanted.push([winner, loser, Math.abs(left - right) / counted.length]);
        }
        const order = (rows: [string, string, number][]) => rows.map(String).sort();
        if (wanted.length === 0) {
          await expect(train(made, 'diffusion-dpo')).rejects.toThrow(/nothing else/);
        } else {
          const [one, two] = await Promise.all(
            [1, 2].map(async () => {
              const { round } = await train(made, 'diffusion-dpo');
              return (await trainingPairsOf(round.id)).map(
                ({ winner, loser, weight }): [string, string, number] => [
                  winner.id,
                  loser.id,
                  weight,
                ],
              );
            }),
          );
          expect(one).toEqual(two);
          expect(order(one!)).toEqual(order(wanted));
        }
        const good = Object.keys(wins).filter((id) => !bad.has(id));
        if (good.length === 0 || bad.size === 0) {
          await expect(train(made, 'kto')).rejects.toThrow(/needs both/);
        } else {
          const { round } = await train(made, 'kto');
          const labels = await trainingLabelsOf(round.id);
          const of = (wish: boolean) =>
            labels.filter((label) => label.good === wish).map(({ sample }) => sample.id);
          expect(of(true)).toEqual(good.sort());
          expect(of(false)).toEqual([...bad].sort());
        }
      },
    ),
    { numRuns: 40 },
  );
});

it('counts, for a run of one size, what was said of images of that size', async () => {
  const made = await makePipeline();
  answer(await addPair(made), (await makePeople(1))[0]!, 'left');
  const sized = (imageWidth: number) => {
    const sampling = { ...made.round.config.sampling, imageWidth, imageHeight: imageWidth };
    return { sampling };
  };
  const read = async (of?: ReturnType<typeof sized>) =>
    (await readArchive(made.pipeline, Date.now(), of)).answers.length;
  expect([await read(sized(0)), await read(sized(64)), await read()]).toEqual([1, 0, 1]);
});
