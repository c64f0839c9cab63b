/**
 * @file What every training opens alike: what is trained and where it starts, the pipeline's texts,
 * and the optimizer's settings.
 */
import { initialState } from '@/trainer/methods/optimizer/optimizer';
import { openConditioning } from '@/trainer/methods/policy/conditioning';
import { adamWOf } from './method-settings';
import { startingTensors, trainableOf, trainedDenoiser } from './policy-file';
import type { Training, TrainingContext } from './training';

/** What a method itself brings to its training. */
type Own = Pick<Training, 'steps' | 'dataHash' | 'step' | 'after'>;

/** Opens what a round trains, without having loaded anything that trains. */
export async function openTrainee({
  engine,
  round: { config, ordinal },
  start: { pipeline, file },
}: Pick<TrainingContext, 'engine' | 'round' | 'start'>) {
  const { training } = config;
  /** Seed and round, from which every random choice follows. */
  const label = [config.seed, ordinal] as const;
  const denoiser = await trainedDenoiser(pipeline.denoiser.graph, training);
  const initial = initialState(startingTensors(denoiser, training, file, [...label]));
  const conditioning = await openConditioning(engine, pipeline);
  return {
    label,
    conditioning,
    /** What all trainers take. */
    options: {
      trainable: trainableOf(denoiser, training),
      adamW: adamWOf(training),
      secondMoment: training.secondMoment,
      emaDecay: training.emaDecay,
      learningRate: training.learningRate,
    },
    /** A trainer as the work of training sees it. @param release what the method opened besides */
    training: (
      trainer: Pick<Training, 'load' | 'state' | 'close'>,
      own: Own,
      release?: () => Promise<void>,
    ): Training => ({
      kind: training,
      initial,
      load: (state) => trainer.load(state),
      state: () => trainer.state(),
      async close() {
        await trainer.close();
        await release?.();
        await conditioning.release();
      },
      ...own,
    }),
  };
}
