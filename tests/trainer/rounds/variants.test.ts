import { expect, it } from 'vitest';
import { loadRound } from '@/app/reads/rounds/load-round';
import { getBlob } from '@/db/blobs/blobs';
import { submitTagging } from '@/db/labeling/taggings';
import { leaseGroups } from '@/db/leases/group-leases';
import { getPolicy } from '@/db/policies/policies';
import { evaluationsOf, trainStepsOf } from '@/db/rounds/metrics';
import { getRound, listRounds } from '@/db/rounds/rounds';
import { startRun } from '@/db/rounds/runs';
import { listSamples, samplesById } from '@/db/rounds/samples';
import type { Round } from '@/db/schema/rounds';
import type { RunConfigInput } from '@/lib/settings/run-config';
import { latentsAt, parseTrajectory } from '@/trainer/diffusion/sampling/trajectory';
import { parsePolicy } from '@/trainer/rounds/train/policy-file';
import {
  annotatorId,
  baseOn,
  labelEverything,
  quickConfig,
  startRunFrom,
  untilRound,
  withTinyPipeline,
  withWorker,
} from './support';

const pipeline = withTinyPipeline();
withWorker();

const config = {
  ...quickConfig,
  sampling: { inferenceSteps: 3, batchImages: 2, pairsPerRound: 2 },
  evaluation: { images: 4 },
} satisfies RunConfigInput;

const until = (round: Round, state: Round['state']) =>
  untilRound(round.id, (found) => found.state === state);

async function policyOf(round: Round) {
  const policy = await getPolicy((await getRound(round.id)).resultPolicyId!);
  return { policy, file: parsePolicy(await getBlob(policy.adapterBlob!), policy.name) };
}

it('goes on from the policy it has just trained, round after round', async () => {
  const base = await baseOn(pipeline.folder);
  const { run, round: first } = await startRun({
    name: 'Online',
    mode: 'online',
    method: 'd3po',
    pipeline: pipeline.folder,
    createdBy: null,
    config: {
      ...config,
      serving: { rule: 'always', maxRounds: 2 },
      d3po: { referencePolicy: 'base' },
    },
  });
  await until(first, 'labeling');
  await labelEverything();
  await until(first, 'done');
  const [second] = await listRounds({ runId: run.id });
  await until(second!, 'labeling');
  await labelEverything();
  await until(second!, 'done');

  const [one, two] = [await policyOf(first), await policyOf(second!)];
  expect(two.policy.parentId).toBe(one.policy.id);
  expect(two.file.tensors).not.toEqual(one.file.tensors);
  // What is compared with the base begins where the first round has left it; the first began at the
  // base.
  const [begun, goneOn] = await Promise.all(
    [first, second!].map(async ({ id }) => (await trainStepsOf(id))[0]!.metrics.kl),
  );
  expect(begun).toBeLessThan(1e-9);
  expect(goneOn).toBeGreaterThan(1e-9);

  for (const policyId of [base.id, one.policy.id, two.policy.id]) {
    const drawn = await listSamples({ policyId, purpose: 'evaluation' });
    expect(drawn.map(({ seed }) => seed).sort()).toEqual([1000003, 1000004, 1000005, 1000006]);
  }
  const drawnByFirst = await listSamples({ policyId: one.policy.id, purpose: 'evaluation' });
  expect(drawnByFirst.every(({ roundId }) => roundId === first.id)).toBe(true);
  // By itself, and as what the first round started from.
  const measuredIn = (await evaluationsOf({ policyId: base.id })).map(({ roundId }) => roundId);
  expect(measuredIn.sort()).toEqual([first.id, null].sort());

  const prompts = await Promise.all(
    [first, second!].map(async ({ id }) => {
      const samples = await listSamples({ roundId: id, purpose: 'training' });
      return samples.map(({ prompt }) => prompt);
    }),
  );
  expect(new Set(prompts.flat())).toEqual(new Set(config.prompts));
});

it('draws whole groups and trains every weight, one timestep at a time', async () => {
  const round = await startRunFrom(await baseOn(pipeline.folder), {
    ...config,
    labeling: { ...quickConfig.labeling, labelSmoothing: 'fixed', labelErrorRate: 0.25 },
    d3po: { beta: 5, clipForm: 'soft', timestepWeighting: 'equal-slope' },
    sampling: {
      ...config.sampling,
      pairSource: 'groups',
      groupSize: 3,
      groupsPerRound: 2,
      sharedNoise: true,
    },
    training: {
      ...config.training,
      trainables: 'full',
      optimiserStep: 'timestep',
      pairsPerStep: 1,
    },
  });
  const seen: number[] = [];
  await untilRound(round.id, ({ progress, state }) => {
    seen.push(progress.sampled);
    return state === 'labeling';
  });
  // Two images a batch, three a group: nobody sees a group of two.
  expect([...new Set(seen)].every((count) => count % 3 === 0)).toBe(true);
  const leased = await leaseGroups({ annotatorId, count: 9 });
  if (leased.state !== 'groups') throw new Error(leased.state);
  expect(leased.groups.map(({ images }) => images.length)).toEqual([3, 3]);
  for (const { groupId, images } of leased.groups) {
    const samples = await samplesById(images.map(({ sampleId }) => sampleId));
    expect(new Set(samples.map(({ seed }) => seed)).size).toBe(1);
    expect(new Set(samples.map(({ noiseSeed }) => noiseSeed)).size).toBe(3);
    const tagging = { id: `tagging ${groupId}`, groupId, annotatorId };
    await submitTagging({ ...tagging, taggedSampleIds: [samples[0]!.id] });
  }
  await until(round, 'done');
  const { trainingPairs } = await loadRound(round.id);
  expect(trainingPairs.map(({ smoothing }) => smoothing)).toEqual(trainingPairs.map(() => 0.25));

  // Two groups, each with all its pairs, one a step, three timesteps each.
  const steps = await trainStepsOf(round.id, { perTimestep: true });
  expect(steps.filter(({ timestep }) => timestep === null)).toHaveLength(7);
  const { file, policy } = await policyOf(round);
  expect(file.kind.trainables).toBe('full');
  expect(file.tensors.get('conv_in.weight')?.dims).toEqual([8, 4, 3, 3]);
  expect(policy.manifest).toMatchObject({ training: { method: 'd3po', steps: 6 } });
});

it('moves predictions along the difference of images that share what a window does not', async () => {
  const base = await baseOn(pipeline.folder);
  const { round } = await startRun({
    name: 'FDFO',
    mode: 'single',
    method: 'fdfo',
    pipeline: pipeline.folder,
    createdBy: null,
    startPolicyId: base.id,
    config: { ...config, sampling: { ...config.sampling, sharedNoise: true, noiseWindow: 0.34 } },
  });
  await until(round, 'labeling');
  const drawn = await listSamples({ roundId: round.id, purpose: 'training' });
  const paths = await Promise.all(
    drawn.map(async ({ trajectoryBlob }) => parseTrajectory(await getBlob(trajectoryBlob!), 'it')),
  );
  // Two images of a start go one way until the window, a step wide, and apart from it on.
  for (const path of paths) {
    const other = paths.find((one) => one !== path && one.seed === path.seed)!;
    const apart = [0, 1, 2, 3].map(
      (step) => `${latentsAt(path, step)}` !== `${latentsAt(other, step)}`,
    );
    expect(apart.slice(0, 1).concat(apart.slice(3))).toEqual([false, true]);
    expect(apart.lastIndexOf(false) + 1).toBe(apart.indexOf(true));
  }
  await labelEverything();
  await until(round, 'done');
  const steps = (await trainStepsOf(round.id)).map(({ metrics }) => metrics);
  expect(steps[0]!.ratioWinner).toBeCloseTo(1, 3);
  expect(steps[0]!.logRatioWinner).toBeUndefined();
  expect(steps[0]!.gradNorm).toBeGreaterThan(0);
  expect((await policyOf(round)).policy.parentId).toBe(base.id);
});

it('trains without guidance against the policy the round began with', async () => {
  const round = await startRunFrom(await baseOn(pipeline.folder), {
    ...config,
    training: { ...config.training, trainables: 'attention-ff-conv', loraRank: 2, loraAlpha: 4 },
    d3po: { guidanceInTraining: false, clipForm: 'none' },
  });
  await until(round, 'labeling');
  await labelEverything();
  await until(round, 'done');
  const [begun] = await trainStepsOf(round.id);
  expect(begun!.metrics.kl).toBeLessThan(1e-9);
  const { file } = await policyOf(round);
  expect(file.kind).toEqual({ trainables: 'attention-ff-conv', loraRank: 2, loraAlpha: 4 });
  await expect(startRunFrom((await policyOf(round)).policy, config)).rejects.toThrow(
    /attention, feed-forward, convolutions of rank 2.+configured for attention of rank 4/,
  );
});

it.each([
  'draft',
  'draft-lv',
  'draft-plus',
  'drtune',
  'refl',
  'alignprop',
  'adjoint-matching',
] as const)('follows a reward by %s without asking anybody', async (method) => {
  const base = await baseOn(pipeline.folder);
  const { round } = await startRun({
    name: method,
    mode: 'single',
    method,
    pipeline: pipeline.folder,
    createdBy: null,
    startPolicyId: base.id,
    config: {
      ...config,
      sampling: { ...config.sampling, eta: method === 'adjoint-matching' ? 1 : 0 },
      rewards: [{ model: 'brightness' }],
      reward: { optimiserSteps: 2, imagesPerStep: 4 },
    },
  });
  expect(round.state).toBe('training');
  await until(round, 'done');
  const curve = await trainStepsOf(round.id);
  expect(curve).toHaveLength(2);
  expect(curve.every(({ metrics }) => Number.isFinite(metrics.reward))).toBe(true);
  const { file, policy } = await policyOf(round);
  expect(policy.parentId).toBe(base.id);
  expect(file.kind.trainables).toBe('attention');
  expect(await listSamples({ roundId: round.id, purpose: 'training' })).toEqual([]);
  expect((await evaluationsOf({ roundId: round.id }))[0]?.summary.images).toBe(4);
});

it.each(['ddpo', 'dpok'] as const)(
  'draws, scores and takes several steps a draw by %s',
  async (method) => {
    const base = await baseOn(pipeline.folder);
    const { round } = await startRun({
      name: method,
      mode: 'single',
      method,
      pipeline: pipeline.folder,
      createdBy: null,
      startPolicyId: base.id,
      config: {
        ...config,
        training: { ...config.training, noisiestShare: 0.7, innerEpochs: 2 },
        rewards: [{ model: 'brightness' }],
        reward: { optimiserSteps: 12, imagesPerStep: 4 },
        ddpo: { updatesPerDraw: 2, clipRange: 1e-5, buffer: 4, minimum: 2 },
        dpok: { updatesPerDraw: 2, clipRange: 1e-5 },
      },
    });
    expect(round.state).toBe('training');
    await until(round, 'done');
    // Twelve steps, four on each draw.
    const curve = (await trainStepsOf(round.id)).map(({ metrics }) => metrics);
    expect(curve).toHaveLength(3);
    for (const { reward, rewardSpread, gradNorm, clipFraction, valueLoss } of curve) {
      expect(reward).toBeGreaterThan(0);
      expect(rewardSpread).toBeGreaterThan(0);
      expect(gradNorm).toBeGreaterThan(0);
      // Only the first step of a draw begins at the policy that drew.
      expect(clipFraction).toBeGreaterThan(0);
      expect(clipFraction).toBeLessThan(1);
      expect(valueLoss === undefined).toBe(method === 'ddpo');
    }
    const timesteps = await trainStepsOf(round.id, { perTimestep: true });
    expect(new Set(timesteps.map(({ timestep }) => timestep))).toEqual(new Set([null, 667, 334]));
    const { file, policy } = await policyOf(round);
    expect(policy.parentId).toBe(base.id);
    expect(policy.manifest).toMatchObject({ training: { method, steps: 3 } });
    expect([...file.tensors.keys()].every((name) => name.startsWith('unet.'))).toBe(true);
  },
);

it('pairs candidates of every step by a reward, by spo', async () => {
  const base = await baseOn(pipeline.folder);
  const start = async (spo: RunConfigInput['spo']) => {
    const { round } = await startRun({
      name: 'spo',
      mode: 'single',
      method: 'spo',
      pipeline: pipeline.folder,
      createdBy: null,
      startPolicyId: base.id,
      config: {
        ...config,
        training: { ...config.training, noisiestShare: 0.7, innerEpochs: 2 },
        rewards: [{ model: 'brightness', hinge: 1 }],
        reward: { optimiserSteps: 12, imagesPerStep: 4 },
        spo: { updatesPerDraw: 2, candidates: 3, startStep: 1, ...spo },
      },
    });
    return round;
  };
  const round = await start({ threshold: 0, clipForm: 'ppo-min', clipRange: 1e-3 });
  expect(round.state).toBe('training');
  await until(round, 'done');
  const curve = (await trainStepsOf(round.id)).map(({ metrics }) => metrics);
  expect(curve).toHaveLength(3);
  for (const { reward, rewardParts, rewardSpread, gradNorm, implicitAccuracy } of curve) {
    expect(reward).toBeGreaterThan(0);
    // Nothing is brighter than the hinge, so the term is the reward.
    expect(rewardParts?.brightness).toBeCloseTo(reward as number, 5);
    expect(rewardSpread).toBeGreaterThan(0);
    expect(gradNorm).toBeGreaterThan(0);
    expect(implicitAccuracy).toBeGreaterThanOrEqual(0);
  }
  // Of three steps the first forms no pairs, and the last is not trained.
  const timesteps = await trainStepsOf(round.id, { perTimestep: true });
  expect(new Set(timesteps.map(({ timestep }) => timestep))).toEqual(new Set([null, 334]));
  const { policy } = await policyOf(round);
  expect(policy.manifest).toMatchObject({ training: { method: 'spo', steps: 3 } });

  const alike = await start({ threshold: 0.9 });
  const { error } = await until(alike, 'failed');
  expect(error).toMatch(/tells no candidates of the first draw apart.+Raise spo\.scoreScale \(1\)/);
});

it('refuses what a method cannot run with before anything is drawn', async () => {
  const base = await baseOn(pipeline.folder);
  const start = (
    method: 'd3po' | 'draft' | 'draft-plus' | 'ddpo' | 'dpok' | 'spo',
    mode: 'single' | 'online',
    more: object,
  ) =>
    startRun({
      name: 'never',
      mode,
      method,
      pipeline: pipeline.folder,
      createdBy: null,
      startPolicyId: base.id,
      config: { ...config, ...more },
    });
  const still = { sampling: { ...config.sampling, eta: 0 } };
  await expect(start('d3po', 'single', still)).rejects.toThrow('Sampling, Eta:');
  await expect(start('draft', 'online', {})).rejects.toThrow('Afterwards, Rounds at most:');
  await expect(
    start('draft-plus', 'single', { ...still, 'draft-plus': { klForm: 'transition' } }),
  ).rejects.toThrow('DRaFT+, KL form:');
  await expect(start('ddpo', 'single', still)).rejects.toThrow('Sampling, Eta:');
  await expect(start('dpok', 'single', { reward: { optimiserSteps: 12 } })).rejects.toThrow(
    'takes 5 steps on each draw',
  );
  await expect(
    start('ddpo', 'single', { reward: { imagesPerStep: 1 }, ddpo: { updatesPerDraw: 1 } }),
  ).rejects.toThrow('DDPO, Steps per draw:');
  await expect(start('ddpo', 'single', { ddpo: { buffer: 8 } })).rejects.toThrow(
    'DDPO, Rewards remembered:',
  );
  await expect(start('spo', 'single', still)).rejects.toThrow('Sampling, Eta:');
  await expect(start('spo', 'single', {})).rejects.toThrow('SPO, First step with pairs: It is 4');
  await expect(
    start('spo', 'single', {
      spo: { startStep: 1 },
      training: { ...config.training, timestepFraction: 0.5 },
    }),
  ).rejects.toThrow('Training, Share of timesteps:');
});
