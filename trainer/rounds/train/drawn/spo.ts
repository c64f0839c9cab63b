/**
 * @file A round trained by SPO: every step draws candidates, pairs them by a reward, and moves the
 * weights a few times.
 */
import { AppError } from '@/lib/errors';
import type { MethodOf } from '@/lib/methods';
import { drawOf, trainedTimesteps } from '@/lib/settings/run-config';
import { spreadOf } from '@/trainer/methods/policy-gradient/advantages';
import { stepPairs } from '@/trainer/methods/registry';
import { SpoTrainer, type SpoUpdate } from '@/trainer/methods/spo/spo-trainer';
import { randomOf } from '../../draw/random';
import { transitionMetrics } from '../d3po/training';
import type { StepMetrics, Training, TrainingContext } from '../training';
import { loggedParts, openDrawnTraining } from './open';

/** Opens SPO on a round. */
export async function openSpoTraining(
  context: TrainingContext<MethodOf<'step-pairs'>>,
): Promise<Training> {
  const { engine, round, start, method } = context;
  const { config } = round;
  const { training } = config;
  const own = config[method];
  const { imagesPerDraw, stepsPerDraw } = drawOf(method, config);
  const draws = config.reward.optimiserSteps / stepsPerDraw;
  const moving = start.pipeline.scheduler.movingTimesteps(config.sampling.inferenceSteps);
  const [eligibleSteps] = trainedTimesteps(config, moving.length);
  if (own.startStep >= eligibleSteps) {
    throw new AppError(
      'unprocessable',
      `${method}.startStep is ${own.startStep}, but the pipeline's schedule leaves the steps 0 to ${eligibleSteps - 1}: the last of its ${config.sampling.inferenceSteps} stays at its noise level. Set startStep to at most ${eligibleSteps - 1}.`,
    );
  }
  const drawn = await openDrawnTraining(context, { draws, imagesPerDraw, together: imagesPerDraw });
  const trainer = await SpoTrainer.open(engine, {
    ...drawn.options,
    eligibleSteps,
    ...stepPairs[method](config),
    openScorer: drawn.openScorer,
  });
  return drawn.training(trainer, async (index) => {
    const random = randomOf(...drawn.label, 'candidates', index);
    const batches = await drawn.originsOf(index);
    const { pairs, scores, rewardParts } = await trainer.draw(batches, () => random.next());
    if (index === 0 && pairs.length === 0) {
      const { deviation } = spreadOf(scores);
      throw new AppError(
        'unprocessable',
        `The reward tells no candidates of the first draw apart: its scores have a standard deviation of ${deviation.toPrecision(2)}. Raise ${method}.scoreScale (${own.scoreScale}) or lower ${method}.threshold (${own.threshold}).`,
      );
    }
    const updates: SpoUpdate[] = [];
    for (let pass = 0; pass < training.innerEpochs; pass++) {
      for (const portion of portionsOf(random.shuffled(pairs), own.updatesPerDraw)) {
        updates.push(await trainer.update(portion));
      }
    }
    return metricsOf(scores, rewardParts, updates);
  });
}

/** The items in so many portions of almost one size; those that would be empty are left out. */
function portionsOf<T>(items: readonly T[], count: number): T[][] {
  const bound = (portion: number) => Math.round((portion * items.length) / count);
  return Array.from({ length: count }, (_, i) => items.slice(bound(i), bound(i + 1))).filter(
    (portion) => portion.length > 0,
  );
}

function metricsOf(
  scores: readonly number[],
  rewardParts: Record<string, number>,
  updates: readonly SpoUpdate[],
): StepMetrics {
  const { mean: reward, deviation: rewardSpread } = spreadOf(scores);
  const seen = { reward, rewardSpread, ...loggedParts(rewardParts) };
  const pairs = updates.flatMap((update) => update.pairs);
  // A draw without pairs says as much as ties do.
  if (pairs.length === 0) {
    return { mean: { loss: Math.LN2, kl: 0, ...seen }, timesteps: [] };
  }
  const { mean, timesteps } = transitionMetrics(pairs);
  const gradNorm = spreadOf(updates.map((update) => update.gradNorm)).mean;
  return { mean: { ...mean, ...seen, gradNorm }, timesteps };
}
