/**
 * How often a round reads what it needs: a pipeline once in a process, a trajectory and an
 * evaluation image once in a round.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { blobPath } from '@/db/blobs/folder';
import { startRun } from '@/db/rounds/runs';
import { listSamples } from '@/db/rounds/samples';
import type { Round } from '@/db/schema/rounds';
import type { RunConfigInput } from '@/lib/settings/run-config';
import { countReads } from '@/tests/support/counted-reads';
import { pipelineFiles } from '@/trainer/diffusion/pipelines/hash';
import { squaresNetwork } from './evaluate/squares-network';
import {
  baseOn,
  labelEverything,
  quickConfig,
  startRunFrom,
  untilRound,
  withTinyPipeline,
  withWorker,
} from './support';

const reads = countReads();
const pipeline = withTinyPipeline();
withWorker();

const ended = ({ state }: Round) => state === 'done';

it('reads a pipeline once for all rounds, and a trajectory once for all steps', async () => {
  const base = await baseOn(pipeline.folder);
  reads.forget();
  const round = await startRunFrom(base, {
    ...quickConfig,
    training: { ...quickConfig.training, innerEpochs: 3 },
  });
  await untilRound(round.id, ({ state }) => state === 'labeling');
  const { hashed } = await pipelineFiles(pipeline.folder);
  const graphs = hashed.filter((file) => file.endsWith('.onnx'));
  const ofFiles = () => graphs.map((file) => reads.of(join(pipeline.folder, file)));
  // Parsed, and hashed.
  expect(Math.max(...ofFiles())).toBe(2);
  expect(Math.min(...ofFiles())).toBeGreaterThan(0);
  const whole = reads.under(pipeline.folder);

  await labelEverything();
  const samples = await listSamples({ roundId: round.id, purpose: 'training' });
  await untilRound(round.id, ended);
  expect(samples).toHaveLength(12);
  const ofTrajectories = samples.map(({ trajectoryBlob }) => reads.of(blobPath(trajectoryBlob!)));
  expect(new Set(ofTrajectories)).toEqual(new Set([1]));

  // Trained and evaluated; and a second round draws.
  const second = await startRunFrom(base);
  await untilRound(second.id, ({ state }) => state === 'labeling');
  expect(reads.under(pipeline.folder)).toBe(whole);
});

it('decodes each evaluation image once, for rewards and diversity', async () => {
  await mkdir(join(pipeline.folder, 'lpips'));
  await writeFile(join(pipeline.folder, 'lpips/model.onnx'), squaresNetwork('distance'));
  const base = await baseOn(pipeline.folder);
  const brighter = async (startPolicyId: string) => {
    const { round } = await startRun({
      name: 'Brighter',
      mode: 'single',
      method: 'draft',
      createdBy: null,
      pipeline: pipeline.folder,
      startPolicyId,
      config: {
        ...quickConfig,
        sampling: { inferenceSteps: 2, batchImages: 4, eta: 0 },
        rewards: [{ model: 'brightness' }],
        reward: { optimiserSteps: 1, imagesPerStep: 2 },
        evaluation: { images: 8 },
      } satisfies RunConfigInput,
    });
    return untilRound(round.id, ended);
  };
  const first = await brighter(base.id);
  reads.forget();
  const second = await brighter(first.resultPolicyId!);
  const imagesOf = async (policyId: string) =>
    (await listSamples({ policyId, purpose: 'evaluation' })).map(({ imageBlob }) => imageBlob);
  for (const policyId of [base.id, second.startPolicyId, second.resultPolicyId!]) {
    const counts = (await imagesOf(policyId)).map((blob) => reads.of(blobPath(blob)));
    // The base has drawn others, too, for the first test.
    expect(counts.filter((n) => n > 0)).toEqual(Array.from({ length: 8 }, () => 1));
  }
});
