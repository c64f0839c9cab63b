/**
 * Rounds of Diffusion-DPO and KTO, from answers given in a round of D3PO to an evaluated policy.
 */
import { eq } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { roundDetailSchema } from '@/app/api/rounds/schema';
import { loadRound } from '@/app/reads/rounds/load-round';
import { trainingPairsOf } from '@/db/answers/training-data';
import { getBlob } from '@/db/blobs/blobs';
import { db, schema } from '@/db/client';
import { submitTagging } from '@/db/labeling/taggings';
import { leaseGroups } from '@/db/leases/group-leases';
import { getPolicy, type Policy } from '@/db/policies/policies';
import { evaluationsOf, trainStepsOf } from '@/db/rounds/metrics';
import { getRound } from '@/db/rounds/rounds';
import { startRun } from '@/db/rounds/runs';
import { listSamples } from '@/db/rounds/samples';
import type { Round } from '@/db/schema/rounds';
import type { Method } from '@/lib/methods';
import type { RunConfigInput } from '@/lib/settings/run-config';
import { openPipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { openPolicy } from '@/trainer/rounds/pipelines/resolve';
import { FinishedLatents } from '@/trainer/rounds/train/archive/finished-latents';
import { parsePolicy } from '@/trainer/rounds/train/policy-file';
import { Engine } from '@/trainer/runtime/engine';
import { setFlag } from '../../support/flags';
import {
  annotatorId,
  baseOn,
  labelEverything,
  quickConfig,
  startRunFrom,
  startTrainer,
  traceOf,
  untilRound,
  withHomes,
  withTinyPipeline,
} from './support';

const pipeline = withTinyPipeline();
const homes = withHomes();

const config = {
  ...quickConfig,
  sampling: { inferenceSteps: 3, batchImages: 2, pairsPerRound: 3 },
  evaluation: { images: 4 },
  'diffusion-dpo': { optimiserSteps: 4, pairsPerStep: 2, beta: 500 },
  kto: { optimiserSteps: 4, imagesPerStep: 4, beta: 500, goodShare: 0.5 },
} satisfies RunConfigInput;

async function start(method: Method, policy: Policy, more: RunConfigInput = config) {
  const { round } = await startRun({
    name: method,
    mode: 'single',
    method,
    pipeline: policy.pipeline,
    config: more,
    startPolicyId: policy.id,
    createdBy: null,
  });
  return round;
}

/** Answers to train on: a round of D3PO whose pairs are all judged. */
async function collectAnswers(): Promise<Policy> {
  const base = await baseOn(pipeline.folder);
  const asked = await startRunFrom(base, config);
  const trainer = startTrainer();
  await untilRound(asked.id, ({ state }) => state === 'labeling', trainer);
  await trainer.end('SIGTERM');
  await labelEverything();
  // Images that a loser of each pair has marked: KTO needs bad ones, too.
  const drawn = await listSamples({ roundId: asked.id });
  for (const { id } of drawn.slice(0, 2)) {
    await setFlag({ sampleId: id, kind: 'hand', annotatorId });
  }
  return base;
}

async function policyOf(round: Round) {
  const policy = await getPolicy((await getRound(round.id)).resultPolicyId!);
  return { policy, file: parsePolicy(await getBlob(policy.adapterBlob!), policy.name) };
}

it('learns from answers given before, on the latents that were drawn', async () => {
  await homes.make();
  const base = await collectAnswers();
  const trainer = startTrainer();
  const round = await start('diffusion-dpo', base);
  expect(round.state).toBe('training');
  expect(round.manifest?.trainingData).toMatchObject({
    trainingPairs: 3,
    archive: { rounds: 1, annotators: 1, images: 6, encoded: 0, imported: 0 },
  });
  await untilRound(round.id, ({ state }) => state === 'done', trainer);
  const steps = await trainStepsOf(round.id, { perTimestep: true });
  const means = steps.filter(({ timestep }) => timestep === null).map(({ metrics }) => metrics);
  expect(means).toHaveLength(4);
  // At first the policy is its own reference.
  expect(Math.abs(means[0]!.excessWinner!)).toBeLessThan(1e-6);
  expect(means[0]!.loss).toBeCloseTo(Math.LN2, 3);
  expect(Math.abs(means[3]!.excessWinner!)).toBeGreaterThan(1e-6);
  expect(means.every(({ gradNorm }) => gradNorm! > 0)).toBe(true);
  const bands = steps.flatMap(({ timestep }) => timestep ?? []);
  expect(bands.every((timestep) => timestep % 100 === 50)).toBe(true);
  expect((await evaluationsOf({ roundId: round.id }))[0]?.summary.images).toBe(4);

  const page = roundDetailSchema.parse(await loadRound(round.id));
  expect(page.trainingData?.archive).toMatchObject({ images: 6, encoded: 0 });
  expect(page.trainingPairs).toHaveLength(3);

  // It goes on from its policy, held to the base; what has moved shows at once.
  const { policy, file } = await policyOf(round);
  expect(policy.parentId).toBe(base.id);
  expect(file.kind.trainables).toBe('attention');
  const own = await start('diffusion-dpo', policy);
  const held = await start('diffusion-dpo', policy, {
    ...config,
    'diffusion-dpo': { ...config['diffusion-dpo'], referencePolicy: 'base', noise: 'start' },
  });
  const labeled = await start('kto', policy);
  for (const { id } of [own, held, labeled]) {
    await untilRound(id, ({ state }) => state === 'done', trainer);
  }
  const first = async ({ id }: Round) => (await trainStepsOf(id))[0]!.metrics;
  expect(Math.abs((await first(own)).excessWinner!)).toBeLessThan(1e-6);
  expect(Math.abs((await first(held)).excessWinner!)).toBeGreaterThan(1e-6);
  expect(await first(labeled)).toMatchObject({ loss: expect.closeTo(0.5, 3) });
  expect((await first(labeled)).baseline).toBeLessThan(1e-3);
  const last = (await trainStepsOf(labeled.id)).at(-1)!.metrics;
  expect(last.excessGood).not.toBe(last.excessBad);
  const labels = (await loadRound(labeled.id)).trainingLabels;
  expect(new Set(labels.map(({ good }) => good))).toEqual(new Set([true, false]));
  expect((await policyOf(labeled)).file.tensors).not.toEqual(file.tensors);
  await trainer.end('SIGTERM');
});

it('takes latents from the trajectory where they are exact, else from the encoder', async () => {
  const base = await baseOn(pipeline.folder);
  const [sample] = await listSamples({ policyId: base.id, purpose: 'training' });
  const engine = await Engine.open({ device: 'cpu', threads: 1 });
  const latents = new FinishedLatents(engine, await openPolicy(base.id));
  const exact = await latents.of(sample!);
  const encoded = await latents.of({ ...sample!, id: 'without', trajectoryBlob: null });
  expect(encoded).toHaveLength(exact.length);
  expect(encoded).not.toEqual(exact);
  // Drawn on other weights of the pipeline, whose latents mean something else.
  const elsewhere = db()
    .insert(schema.policies)
    .values({ ...base, id: 'elsewhere', hash: 'other' })
    .returning()
    .get();
  const foreign = { ...sample!, id: 'foreign', policyId: elsewhere.id };
  expect(await latents.of(foreign)).toEqual(encoded);
  await latents.release();
  await engine.close();
  expect((await openPipeline(pipeline.folder)).latentShape).toEqual([4, 8, 8]);
});

it('trains on the finished images of a round without eta, and ends alike when it is killed', {
  timeout: 300_000,
}, async () => {
  const home = await homes.make();
  const base = await baseOn(pipeline.folder);
  const round = await start('nft', base, {
    ...config,
    sampling: { ...config.sampling, eta: 0, sharedNoise: false },
    nft: { optimiserSteps: 4, groupsPerStep: 2, oldRise: 0.3, noise: 'path' },
  });
  expect(round.state).toBe('sampling');
  const asking = startTrainer();
  await untilRound(round.id, ({ state }) => state === 'labeling', asking);
  await asking.end('SIGTERM');
  await labelEverything();
  const twin = await homes.copy(home);
  homes.use(home);
  const undisturbed = startTrainer();
  await untilRound(round.id, ({ state }) => state === 'done', undisturbed);
  await undisturbed.end('SIGTERM');
  const means = (await trainStepsOf(round.id)).map(({ metrics }) => metrics);
  expect(means).toHaveLength(4);
  // At first the policy is its own reference, and the old one.
  expect(Math.abs(means[0]!.excessAbove!)).toBeLessThan(1e-6);
  expect(means[3]!.excessAbove).not.toBe(means[3]!.excessBelow);
  expect(means.every(({ loss, gradNorm }) => loss > 0 && gradNorm! > 0)).toBe(true);
  const { policy, file } = await policyOf(round);
  expect(policy.parentId).toBe(base.id);
  expect(file.tensors.size).toBeGreaterThan(0);
  const trace = await traceOf(round.id);

  homes.use(twin);
  const killed = startTrainer();
  await untilRound(round.id, ({ progress }) => progress.trainedSteps > 0, killed, 5);
  expect(await killed.end('SIGKILL')).toBe('SIGKILL');
  const again = startTrainer();
  await untilRound(round.id, ({ state }) => state === 'done', again);
  await again.end('SIGTERM');
  expect(await traceOf(round.id)).toEqual(trace);
});

it.each(['dgpo', 'lair'] as const)(
  'trains on whole tagged groups: %s',
  {
    timeout: 120_000,
  },
  async (method) => {
    await homes.make();
    const base = await baseOn(pipeline.folder);
    const own = { optimiserSteps: 3, groupsPerStep: 2 };
    const round = await start(method, base, {
      ...config,
      sampling: { ...config.sampling, pairSource: 'groups', groupSize: 3, groupsPerRound: 2 },
      dgpo: own,
      lair: own,
    });
    const trainer = startTrainer();
    await untilRound(round.id, ({ state }) => state === 'labeling', trainer);
    const leased = await leaseGroups({ annotatorId, count: 2 });
    if (leased.state !== 'groups') throw new Error(leased.state);
    for (const { groupId, images } of leased.groups) {
      const tagging = { id: `tagging ${groupId}`, groupId, annotatorId };
      await submitTagging({ ...tagging, taggedSampleIds: [images[0]!.sampleId] });
    }
    await untilRound(round.id, ({ state }) => state === 'done', trainer);
    await trainer.end('SIGTERM');
    const means = (await trainStepsOf(round.id)).map(({ metrics }) => metrics);
    expect(means).toHaveLength(3);
    // At first the policy is its own reference; then the tagged are told from the others.
    expect(Math.abs(means[0]!.excessAbove!)).toBeLessThan(1e-6);
    expect(means[2]!.excessAbove).not.toBe(means[2]!.excessBelow);
    expect(means.every(({ gradNorm }) => gradNorm! > 0)).toBe(true);
    expect((await policyOf(round)).policy.parentId).toBe(base.id);
  },
);

// Trainers start one after the other; a busy machine takes its time.
it('trains on the same, and ends alike, when it is killed and people go on meanwhile', {
  timeout: 300_000,
}, async () => {
  const home = await homes.make();
  const base = await collectAnswers();
  const dpo = await start('diffusion-dpo', base);
  const kto = await start('kto', base);
  const frozen = await trainingPairsOf(dpo.id);
  const twin = await homes.copy(home);
  const finish = async () => {
    const trainer = startTrainer();
    for (const { id } of [dpo, kto]) {
      await untilRound(id, ({ state }) => state === 'done', trainer);
    }
    await trainer.end('SIGTERM');
    return [await traceOf(dpo.id), await traceOf(kto.id)];
  };
  homes.use(home);
  const undisturbed = await finish();

  homes.use(twin);
  for (const round of [dpo, kto]) {
    const trainer = startTrainer();
    await untilRound(round.id, ({ progress }) => progress.trainedSteps > 0, trainer, 5);
    expect(await trainer.end('SIGKILL')).toBe('SIGKILL');
    // Answers change while nobody trains; what was frozen does not.
    const { preferences } = schema;
    db().update(preferences).set({ answer: 'tie' }).where(eq(preferences.answer, 'left')).run();
  }
  expect(await finish()).toEqual(undisturbed);
  expect(await trainingPairsOf(dpo.id)).toEqual(frozen);
});
