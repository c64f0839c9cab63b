/** @file What every training on finished images opens alike. */
import type { RunConfig } from '@/lib/settings/run-config';
import { sizeOf } from '@/trainer/graph/tensor';
import type { NoisedImagesMethod } from '@/trainer/methods/noised-images/method';
import { NoiseTrainer } from '@/trainer/methods/noised-images/noise-trainer';
import { mostImagesPerRun } from '../method-settings';
import type { openTrainee } from '../trainee';
import type { TrainingContext } from '../training';
import { FinishedLatents } from './finished-latents';

type Trainee = Awaited<ReturnType<typeof openTrainee>>;

/** The trainer, what tells it x_0 of images, and how they are noised. */
export async function openNoiseTrainer(
  { engine, start }: Pick<TrainingContext, 'engine' | 'start'>,
  { options, conditioning }: Pick<Trainee, 'options' | 'conditioning'>,
  {
    method,
    examplesPerStep,
    settings: { referencePolicy, normHinge, emptyPromptShare },
  }: {
    method: NoisedImagesMethod;
    examplesPerStep: number;
    settings: Pick<RunConfig['kto'], 'referencePolicy' | 'normHinge' | 'emptyPromptShare'>;
  },
) {
  const { pipeline, file } = start;
  const trainer = await NoiseTrainer.open(engine, {
    ...options,
    ...conditioning.options,
    method,
    images: mostImagesPerRun(pipeline, method.imagesPerExample),
    examplesPerStep,
    normHinge,
    reference: referencePolicy === 'base' || !file ? 'base' : file.tensors,
  });
  const { scheduler, latentShape } = pipeline;
  return {
    trainer,
    latents: new FinishedLatents(engine, start),
    noise: { scheduler, size: sizeOf(latentShape), emptyPromptShare },
  };
}
