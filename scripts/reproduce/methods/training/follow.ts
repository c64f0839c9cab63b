/**
 * @file One training run by the gradient of a reward, from the untrained adapter, with evaluations
 * on the way.
 */
import type { Adapter } from '@/trainer/diffusion/adapters/lora';
import { startingNoise, stepNoise } from '@/trainer/diffusion/sampling/noise';
import { concatenated, sizeOf } from '@/trainer/graph/tensor';
import { drawPrompts, TRAINING_PROMPTS } from '@/trainer/hands/prompts';
import { initialState } from '@/trainer/methods/optimizer/optimizer';
import type { DrawOrigin } from '@/trainer/methods/policy-gradient/draw';
import type { RewardGradientMethod } from '@/trainer/methods/rollouts/plan';
import { RolloutTrainer } from '@/trainer/methods/rollouts/rollout-trainer';
import type { Reward } from '@/trainer/rewards/reward';
import { type Label, randomOf, trainingSeed } from '@/trainer/rounds/draw/random';
import { untrained } from '../../experiment/student';
import type { Desk } from '../desk';
import { addPasses, noPasses, type Passes, passesSince } from '../picks/passes';
import { type Evaluation, evaluate, meanOf, type PromptedImage } from './evaluation';

export interface TrainingPlan {
  /** Optimizer steps. */
  steps: number;
  /** Images of a step. */
  images: number;
  learningRate: number;
  /** Steps after which the policy is evaluated; the last one among them. */
  evaluateAt: readonly number[];
  /** Images of an evaluation. */
  evaluationImages: number;
}

/** What was seen after so many optimizer steps. */
export interface Reached {
  step: number;
  /** Training so far, without evaluations. */
  seconds: number;
  passes: Passes;
  evaluation: Evaluation;
}

/** What a step showed of its own images. */
export interface StepSeen {
  step: number;
  seconds: number;
  passes: Passes;
  reward: number;
  kl: number;
  gradNorm: number;
}

export interface TrainingRun {
  steps: StepSeen[];
  reached: Reached[];
}

export interface Trained {
  run: TrainingRun;
  adapter: Adapter;
  /** Of the last evaluation. */
  images: PromptedImage[];
}

/** A method opened for training: takes a step and says what its images showed. */
export interface Stepper {
  /** @returns mean reward and KL of the step's images */
  step(index: number): Promise<{ reward: number; kl: number; gradNorm: number }>;
  adapter(): Promise<Adapter>;
  close(): Promise<void>;
}

/** Prompts, embeddings and noise of a step's images: a function of the label and the step alone. */
export async function originOf(
  { student, encode }: Desk,
  images: number,
  label: Label,
): Promise<DrawOrigin> {
  const size = sizeOf(student.pipeline.latentShape);
  const prompts = drawPrompts(randomOf(...label, 'prompts'), TRAINING_PROMPTS, images);
  const seeds = prompts.map((_, i) => trainingSeed(...label, 'rollout', i));
  return {
    prompts,
    contexts: await Promise.all(prompts.map(encode)),
    latents: concatenated(seeds.map((seed) => startingNoise(seed, size))),
    noise: (step) => concatenated(seeds.map((seed) => stepNoise(seed, step, size))),
  };
}

/** Opens a reward-gradient method on the untrained adapter. */
export async function openRollouts(
  desk: Desk,
  method: RewardGradientMethod,
  reward: Reward,
  { images, learningRate }: Pick<TrainingPlan, 'images' | 'learningRate'>,
  label: Label,
): Promise<Stepper> {
  const { engine, student, conditioning } = desk;
  const { settings, trainable, pipeline } = student;
  const trainer = await RolloutTrainer.open(engine, {
    trainable,
    pipeline,
    emptyContext: conditioning.options.emptyContext,
    settings: { steps: settings.steps, eta: settings.eta, guidance: settings.guidance },
    images,
    method,
    reward,
    adamW: settings.adamW,
    learningRate,
  });
  await trainer.load(initialState(untrained(student, randomOf(...label, 'adapter').gaussian)));
  return {
    async step(index) {
      const origin = await originOf(desk, images, [...label, index]);
      const random = randomOf(...label, 'plan', index);
      const rewardFeeds = await reward.feeds(origin.prompts);
      const { reports, gradNorm } = await trainer.step([{ ...origin, rewardFeeds }], () =>
        random.next(),
      );
      const [report] = reports as [(typeof reports)[number]];
      return { reward: meanOf([...report.rewards]), kl: report.kl, gradNorm };
    },
    adapter: async () => (await trainer.state()).tensors,
    close: () => trainer.close(),
  };
}

/** Trains to the end of the plan. Evaluations are timed and counted apart. */
export async function trainAlong(
  desk: Desk,
  stepper: Stepper,
  reward: Reward,
  plan: Omit<TrainingPlan, 'images' | 'learningRate'>,
): Promise<Trained> {
  const run: TrainingRun = { steps: [], reached: [] };
  let [seconds, passes] = [0, noPasses];
  let images: PromptedImage[] = [];
  for (let index = 0; index < plan.steps; index++) {
    const [start, before] = [performance.now(), desk.passes()];
    const seen = await stepper.step(index);
    seconds += (performance.now() - start) / 1000;
    passes = addPasses(passes, passesSince(desk.passes(), before));
    const step = index + 1;
    run.steps.push({ step, seconds, passes, ...seen });
    if (!plan.evaluateAt.includes(step)) continue;
    const adapter = await stepper.adapter();
    const evaluated = await evaluate(desk, adapter, plan.evaluationImages, reward);
    images = evaluated.images;
    run.reached.push({ step, seconds, passes, evaluation: evaluated.evaluation });
  }
  return { run, adapter: await stepper.adapter(), images };
}
