/** A pipeline that brings its own perceptual network: its diversity is what that network says. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { expect, it } from 'vitest';
import { getBlob } from '@/db/blobs/blobs';
import { evaluationsOf } from '@/db/rounds/metrics';
import { startRun } from '@/db/rounds/runs';
import { listSamples } from '@/db/rounds/samples';
import { pipelineHash } from '@/trainer/diffusion/pipelines/hash';
import { baseOn, quickConfig, untilRound, withTinyPipeline, withWorker } from '../support';
import { squaresNetwork } from './squares-network';

const pipeline = withTinyPipeline();
withWorker();

const brighter = async () => {
  const base = await baseOn(pipeline.folder);
  const { round } = await startRun({
    name: 'Brighter',
    mode: 'single',
    method: 'draft',
    createdBy: null,
    pipeline: pipeline.folder,
    startPolicyId: base.id,
    config: {
      ...quickConfig,
      sampling: { inferenceSteps: 2, batchImages: 4, eta: 0 },
      rewards: [{ model: 'brightness' }],
      reward: { optimiserSteps: 1, imagesPerStep: 2 },
    },
  });
  return round;
};

it('measures diversity by the network in lpips/, and refuses one that is none', async () => {
  const before = await pipelineHash(pipeline.folder);
  const folder = join(pipeline.folder, 'lpips');
  await mkdir(folder);
  await writeFile(join(folder, 'model.onnx'), squaresNetwork('distance'));
  // It draws nothing: policies made before it came stay what they are.
  expect(await pipelineHash(pipeline.folder)).toBe(before);
  const round = await brighter();
  const done = await untilRound(round.id, ({ state }) => state === 'done');
  const drawn = await listSamples({ policyId: done.resultPolicyId!, purpose: 'evaluation' });
  const pixels = new Map<string, number[][]>();
  for (const { prompt, imageBlob } of drawn) {
    const { data } = decode(await getBlob(imageBlob));
    pixels.set(prompt, [
      ...(pixels.get(prompt) ?? []),
      [...data].map((value) => value / 127.5 - 1),
    ]);
  }
  expect(pixels.size).toBe(2);
  const perPrompt = [...pixels.values()].map((set) => {
    const pairs = set.flatMap((one, i) => set.slice(i + 1).map((other) => [one, other] as const));
    const distances = pairs.map(
      ([one, other]) => one.reduce((sum, x, i) => sum + (x - other[i]!) ** 2, 0) / one.length,
    );
    return distances.reduce((sum, distance) => sum + distance, 0) / distances.length;
  });
  const [summary] = (await evaluationsOf({ roundId: round.id })).map((row) => row.summary);
  expect(summary!.diversity).toBeCloseTo((perPrompt[0]! + perPrompt[1]!) / 2, 4);
  expect(summary!.diversity).toBeGreaterThan(0);

  await writeFile(join(folder, 'model.onnx'), squaresNetwork('difference'));
  const refused = await brighter();
  const failed = await untilRound(refused.id, ({ state }) => state === 'failed');
  expect(failed.error).toMatch(/lpips.model\.onnx.+"distance"/);
  expect(failed.progress.trainedSteps).toBe(0);
  await rm(folder, { recursive: true });
});
