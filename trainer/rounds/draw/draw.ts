/**
 * @file Drawing planned images with a policy: batch by batch, each kept while the engine draws the
 * next.
 */
import { putBlob } from '@/db/blobs/blobs';
import type { NewSample } from '@/db/rounds/samples';
import { drawingKey } from '@/lib/drawings';
import type { Purpose } from '@/lib/samples';
import type { RunConfig } from '@/lib/settings/run-config';
import type { Annealing } from '@/trainer/diffusion/denoise/annealed-guidance';
import { encodePng, type RgbImage } from '@/trainer/diffusion/images/png';
import { Sampler } from '@/trainer/diffusion/sampling/sampler';
import { type RolloutSettings, serializeTrajectory } from '@/trainer/diffusion/sampling/trajectory';
import type { Engine } from '@/trainer/runtime/engine';
import type { PolicyModel } from '../pipelines/resolve';
import type { PlannedSample } from './plan';

/** A drawn image as a row, its blobs stored already. */
export interface Drawn {
  row: NewSample;
  image: RgbImage;
}

export interface Drawing {
  engine: Engine;
  model: PolicyModel;
  config: RunConfig;
  signal: AbortSignal;
  roundId: string | null;
  purpose: Purpose;
  /** For images that nothing is trained on. */
  annealing?: Annealing;
}

/** What sampling and training of one configuration share. */
export function rolloutSettings({ sampling }: RunConfig): RolloutSettings {
  const { inferenceSteps, eta, guidanceScale } = sampling;
  return { steps: inferenceSteps, eta, guidance: guidanceScale };
}

/**
 * Draws the planned images in order and hands each batch to `keep`, one batch at a time.
 * Trajectories are stored for training images only. Rejects with the signal's reason between two
 * denoising steps.
 */
export async function draw(
  { engine, model, config, signal, annealing, ...of }: Drawing,
  planned: readonly PlannedSample[],
  keep: (batch: Drawn[]) => Promise<void>,
): Promise<void> {
  if (planned.length === 0) return;
  const sampler = await Sampler.open(engine, model.pipeline, {
    images: config.sampling.batchImages,
    settings: rolloutSettings(config),
    policy: model.weights,
    annealing,
  });
  const keepPredictions = of.purpose === 'training';
  const drawing = drawingKey(config, annealing);
  let first = 0;
  let kept = Promise.resolve();
  try {
    for await (const batch of sampler.sample(planned, { keepPredictions, signal })) {
      await kept;
      const plans = planned.slice(first, first + batch.length);
      first += batch.length;
      kept = Promise.all(
        batch.map(async ({ image, trajectory }, i) => {
          const row = {
            ...plans[i]!,
            ...of,
            policyId: model.policy.id,
            imageBlob: await putBlob(encodePng(image)),
            width: image.width,
            height: image.height,
            drawing,
            trajectoryBlob: keepPredictions ? await putBlob(serializeTrajectory(trajectory)) : null,
          };
          return { row, image };
        }),
      ).then(keep);
      // Awaited before the next batch is kept; a failure until then is no unhandled one.
      kept.catch(() => {});
    }
    await kept;
  } finally {
    await Promise.allSettled([kept]);
  }
  await sampler.release();
}
