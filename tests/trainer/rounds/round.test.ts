import { existsSync } from 'node:fs';
import { eq } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { getBlob, statBlob } from '@/db/blobs/blobs';
import { db, schema } from '@/db/client';
import { getPolicy } from '@/db/policies/policies';
import { evaluationsOf, trainStepsOf } from '@/db/rounds/metrics';
import { listSamples } from '@/db/rounds/samples';
import { listWorkers } from '@/db/work/workers';
import { listPairs } from '@/tests/support/list-pairs';
import { parseTrajectory } from '@/trainer/diffusion/sampling/trajectory';
import { parseSafetensors } from '@/trainer/formats/safetensors';
import {
  baseOn,
  labelEverything,
  startRunFrom,
  startTrainer,
  untilRound,
  withHomes,
  withTinyPipeline,
} from './support';

const pipeline = withTinyPipeline();
const homes = withHomes();

it('takes a round from nothing to an evaluated policy', async () => {
  const home = await homes.make();
  const base = await baseOn(pipeline.folder);
  const round = await startRunFrom(base);
  const trainer = startTrainer();
  await untilRound(round.id, ({ state }) => state === 'labeling', trainer);
  const samples = await listSamples({ roundId: round.id });
  expect(samples).toHaveLength(12);
  for (const { trajectoryBlob, imageBlob, noiseSeed } of samples) {
    const trajectory = parseTrajectory(await getBlob(trajectoryBlob!), 'trajectory');
    expect(trajectory.noiseSeed).toBe(noiseSeed);
    expect(trajectory.predictions?.dims).toEqual([5, 4, 8, 8]);
    expect([...(await getBlob(imageBlob)).subarray(1, 4)]).toEqual([...Buffer.from('PNG')]);
  }
  expect(await listPairs({ roundId: round.id })).toHaveLength(6);

  expect(await labelEverything()).toBe(6);
  const done = await untilRound(round.id, ({ state }) => state === 'done', trainer);
  expect(done.progress).toMatchObject({ trainSteps: 6, trainedSteps: 6, evaluated: 8 });
  const policy = await getPolicy(done.resultPolicyId!);
  expect(policy).toMatchObject({ parentId: base.id, roundId: round.id });
  const { tensors, metadata } = parseSafetensors(await getBlob(policy.adapterBlob!), 'adapter');
  expect(metadata.format).toBe('pt');
  const up = 'unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.lora_B.weight';
  const trained = tensors.get(up)!;
  expect(trained.dims).toEqual([8, 4]);
  expect([...tensors.keys()].every((name) => /^unet\..+\.lora_[AB]\.weight$/.test(name))).toBe(
    true,
  );
  expect((trained.data as Float32Array).some((value) => value !== 0)).toBe(true);

  const curve = await trainStepsOf(round.id);
  // Before each of six steps, and after the last.
  expect(curve.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  // Before anything is trained the policy is its own reference.
  expect(Math.abs(curve[0]!.metrics.logRatioWinner!)).toBeLessThan(1e-4);
  expect(Math.abs(curve[5]!.metrics.logRatioWinner!)).toBeGreaterThan(1e-4);
  expect(curve.slice(0, 6).every(({ metrics }) => metrics.gradNorm! > 0)).toBe(true);
  // Measured on what the last step was taken on, which has moved the policy on.
  const [last, beyond] = curve.slice(-2).map(({ metrics }) => metrics);
  expect(beyond!.gradNorm).toBeUndefined();
  expect(beyond!.kl).toBeGreaterThan(0);
  expect(beyond!.loss).toBeLessThan(last!.loss);
  const all = await trainStepsOf(round.id, { perTimestep: true });
  expect(all.filter(({ step }) => step === 0)).toHaveLength(6);

  const [evaluation] = await evaluationsOf({ roundId: round.id });
  expect(evaluation).toMatchObject({
    policyId: policy.id,
    comparedToPolicyId: base.id,
    summary: { images: 8, defects: {}, alignment: null, winRate: null },
  });
  const after = await listSamples({ policyId: policy.id, purpose: 'evaluation' });
  const before = await listSamples({ policyId: base.id, purpose: 'evaluation' });
  expect(after.map(({ seed }) => seed).sort()).toEqual(before.map(({ seed }) => seed).sort());
  const training = new Set(samples.map(({ seed }) => seed));
  expect(after.filter(({ seed }) => training.has(seed))).toEqual([]);

  expect(await listWorkers()).toMatchObject([{ pid: trainer.process.pid, device: 'cpu' }]);
  const stoppingAt = performance.now();
  expect(await trainer.end('SIGTERM')).toBe(0);
  expect(performance.now() - stoppingAt).toBeLessThan(2000);
  expect(await listWorkers()).toEqual([]);
  expect(existsSync(`${home}/checkpoints`)).toBe(false);
  const [work] = db().select().from(schema.work).where(eq(schema.work.kind, 'train')).all();
  expect(await statBlob((work!.cursor as { sha256: string }).sha256)).toBeNull();
});
