import { join } from 'node:path';
import { expect, it } from 'vitest';
import { getBlob } from '@/db/blobs/blobs';
import { ensureBasePolicy } from '@/db/policies/policies';
import { evaluationsOf, trainStepsOf } from '@/db/rounds/metrics';
import { listSamples } from '@/db/rounds/samples';
import type { RunConfigInput } from '@/lib/settings/run-config';
import { type FamilyPipeline, familyFolder } from '@/tests/support/family-pipelines';
import { decodePng } from '@/trainer/diffusion/images/png';
import { drawableSizes } from '@/trainer/diffusion/images/sizes';
import { pipelineHash } from '@/trainer/diffusion/pipelines/hash';
import { openPipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { labelEverything, quickConfig, startRunFrom, untilRound, withWorker } from './support';

withWorker();

const config = (imageWidth: number, imageHeight: number) =>
  ({
    ...quickConfig,
    prompts: ['a photo of a hand'],
    evaluationPrompts: ['a bone'],
    sampling: {
      ...{ inferenceSteps: 3, batchImages: 2, pairsPerRound: 2 },
      ...{ imageWidth, imageHeight },
    },
    training: { ...quickConfig.training, timestepFraction: 0.4 },
    evaluation: { images: 2 },
  }) satisfies RunConfigInput;

/** A base policy whose import looked at sizes. */
async function baseOf(name: FamilyPipeline) {
  const folder = join(familyFolder(name), 'pipeline');
  const size = { width: 32, height: 32 };
  const found = {
    ...{ family: '', parts: [], scheduler: '', adapterSites: {}, promptTokens: 1, ...size },
    drawable: await drawableSizes(await openPipeline(folder)),
    measured: { machine: '', memoryBytes: 1, sizes: [] },
  };
  const hash = await pipelineHash(folder);
  return ensureBasePolicy({ pipeline: folder, name, hash, manifest: { ...size, found } });
}

it.each(['tiny-sdxl', 'tiny-sd3'] as const)(
  '%s draws, trains and is measured at the size that a run says',
  async (name) => {
    const base = await baseOf(name);
    const round = await startRunFrom(base, config(48, 32));
    await untilRound(round.id, ({ state }) => state === 'labeling');
    await labelEverything();
    const done = await untilRound(round.id, ({ state }) => state === 'done');
    expect(done.error).toBeNull();
    const curve = await trainStepsOf(round.id);
    expect(curve[0]!.metrics.gradNorm).toBeGreaterThan(0);
    const drawn = await listSamples({ roundId: round.id });
    const measured = await listSamples({ policyId: base.id, purpose: 'evaluation' });
    expect([drawn.length, measured.length]).toEqual([6, 2]);
    for (const { width, height, imageBlob, drawing } of [...drawn, ...measured]) {
      const image = decodePng(await getBlob(imageBlob), 'An image');
      const sizes = [width, height, image.width, image.height];
      expect([...sizes, drawing]).toEqual([48, 32, 48, 32, '3 1 5 48x32']);
    }
    const [first] = await evaluationsOf({ roundId: round.id });
    expect(first).toMatchObject({ drawing: '3 1 5 48x32', summary: { images: 2 } });
    // At its own size it is measured anew: the same prompts and seeds, other images.
    const plain = await startRunFrom(base, config(0, 0));
    await untilRound(plain.id, ({ state }) => state === 'labeling');
    await labelEverything();
    await untilRound(plain.id, ({ state }) => state === 'done');
    const both = await listSamples({ policyId: base.id, purpose: 'evaluation' });
    expect(both.map(({ width, drawing }) => [width, drawing]).sort()).toEqual(
      [32, 32, 48, 48].map((width) => [width, width === 32 ? '3 1 5' : '3 1 5 48x32']),
    );
  },
);

it('refuses a size that the networks do not take before anything is drawn', async () => {
  const base = await baseOf('tiny-sdxl');
  const start = (width: number, height: number) => startRunFrom(base, config(width, height));
  await expect(start(40, 32)).rejects.toThrow(
    'Sampling, Image width: It is 40, and the networks of this pipeline take multiples of 16.',
  );
  await expect(start(32, 24)).rejects.toThrow('Sampling, Image height: It is 24');
  await expect(start(32, 0)).rejects.toThrow('own size, 32 × 32');
  const flow = await baseOf('tiny-sd3');
  await expect(startRunFrom(flow, config(104, 32))).rejects.toThrow('at most 96');
  const unknown = await ensureBasePolicy({
    ...{ pipeline: 'built in', name: 'built in', hash: 'x' },
    manifest: { width: 32, height: 32 },
  });
  await expect(startRunFrom(unknown, config(64, 64))).rejects.toThrow('take one size only');
});
