/**
 * @file DDPO as a stepper: every step draws images, scores them, and moves the weights a few times.
 */
import { ddpo } from '@/trainer/methods/ddpo';
import { initialState } from '@/trainer/methods/optimizer/optimizer';
import { spreadOf } from '@/trainer/methods/policy-gradient/advantages';
import type { DrawOrigin } from '@/trainer/methods/policy-gradient/draw';
import { PolicyGradientTrainer } from '@/trainer/methods/policy-gradient/policy-gradient-trainer';
import type { Reward } from '@/trainer/rewards/reward';
import { scorerOf } from '@/trainer/rewards/scorer';
import { type Label, randomOf } from '@/trainer/rounds/draw/random';
import { planSteps } from '@/trainer/rounds/train/d3po/steps';
import { untrained } from '../../experiment/student';
import type { Desk } from '../desk';
import { originOf, type Stepper } from './follow';

export interface DdpoPlan {
  learningRate: number;
  clipRange: number;
  /** Share of the steps, from the noisiest, that may be trained on. */
  noisiestShare: number;
  /** Images of an update. */
  images: number;
  /** Updates on each draw. */
  updates: number;
}

/** Opens DDPO on the untrained adapter. A step is a draw with all its updates. */
export async function openDdpo(
  desk: Desk,
  reward: Reward,
  plan: DdpoPlan,
  label: Label,
): Promise<Stepper> {
  const { engine, student, conditioning } = desk;
  const { settings, trainable, pipeline } = student;
  const drawImages = plan.images * plan.updates;
  const trainer = await PolicyGradientTrainer.open(engine, {
    trainable,
    pipeline,
    emptyContext: conditioning.options.emptyContext,
    settings: { steps: settings.steps, eta: settings.eta, guidance: settings.guidance },
    images: plan.images,
    drawImages,
    eligibleSteps: trainedSteps(settings.steps, plan),
    method: ddpo({
      clipRange: plan.clipRange,
      advantageClip: 5,
      perPrompt: true,
      buffer: 16,
      minimum: 16,
    }),
    openScorer: scorerOf(reward),
    adamW: settings.adamW,
    learningRate: plan.learningRate,
  });
  await trainer.load(initialState(untrained(student, randomOf(...label, 'adapter').gaussian)));
  const training = {
    innerEpochs: 1,
    pairsPerStep: plan.images,
    optimiserStep: 'pair',
    noisiestShare: plan.noisiestShare,
    timestepFraction: 1,
  } as const;
  const sampling = { inferenceSteps: settings.steps };
  return {
    async step(index) {
      const batches: DrawOrigin[] = [];
      for (let update = 0; update < plan.updates; update++) {
        batches.push(await originOf(desk, plan.images, [...label, index, update]));
      }
      const random = randomOf(...label, 'value', index);
      const steps = planSteps(drawImages, { training, sampling }, [...label, index]);
      const rows = steps.map((step) =>
        step.flatMap(({ example, timestepIndices }) =>
          timestepIndices.map((timestepIndex) => ({ example, timestepIndex })),
        ),
      );
      const report = await trainer.epoch(batches, rows, () => random.next());
      const kls = report.updates.flatMap(({ transitions }) => transitions.map(({ kl }) => kl));
      return {
        reward: spreadOf(report.rewards).mean,
        kl: spreadOf(kls).mean,
        gradNorm: spreadOf(report.updates.map(({ gradNorm }) => gradNorm)).mean,
      };
    },
    adapter: async () => (await trainer.state()).tensors,
    close: () => trainer.close(),
  };
}

/** Denoising steps of an image that DDPO trains on. */
export function trainedSteps(steps: number, { noisiestShare }: Pick<DdpoPlan, 'noisiestShare'>) {
  return Math.max(1, Math.floor(steps * noisiestShare));
}
