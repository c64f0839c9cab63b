/**
 * @file What a method takes, by its way to train: its smallest run is timed on the graphs that it
 * really trains with, and the rest reckoned from how often it would run.
 */
import { type Method, type MethodOf, methods, type TrainingKind } from '@/lib/methods';
import { trainedTimesteps } from '@/lib/settings/run-config';
import { gaussianNoise, startingNoise } from '@/trainer/diffusion/sampling/noise';
import type { Trajectory } from '@/trainer/diffusion/sampling/trajectory';
import { float32, sizeOf } from '@/trainer/graph/tensor';
import { NoiseTrainer } from '@/trainer/methods/noised-images/noise-trainer';
import { PolicyGradientTrainer } from '@/trainer/methods/policy-gradient/policy-gradient-trainer';
import {
  noisedImages,
  pairLosses,
  policyGradients,
  rewardGradients,
  stepPairs,
} from '@/trainer/methods/registry';
import type { RolloutPlan } from '@/trainer/methods/rollouts/plan';
import { RolloutTrainer } from '@/trainer/methods/rollouts/rollout-trainer';
import { SpoTrainer } from '@/trainer/methods/spo/spo-trainer';
import { TransitionTrainer } from '@/trainer/methods/transitions/transition-trainer';
import { analytic } from '@/trainer/rewards/analytic';
import { scorerOf } from '@/trainer/rewards/scorer';
import { randomOf } from '../../draw/random';
import {
  adapterOf,
  type Bench,
  fewStepSettings,
  fewSteps,
  inputsOf,
  originOf,
  secondTime,
  type Taken,
  timed,
} from './bench';

/** A formula of the pixels: what a reward's own network takes is added to it. */
const reward = analytic.symmetry;

type Measure<Kind extends TrainingKind> = (bench: Bench, method: MethodOf<Kind>) => Promise<Taken>;

const measures: { [Kind in TrainingKind]: Measure<Kind> } = {
  pairs: ofPairs,
  'reward-gradient': ofRewardGradient,
  'policy-gradient': ofPolicyGradient,
  'step-pairs': ofStepPairs,
  'graded-images': ofFinished,
  'finished-pairs': ofFinished,
  'finished-images': ofFinished,
};

/** @throws what the method throws where it cannot train this pipeline */
export function measureMethod(bench: Bench, method: Method): Promise<Taken> {
  // The table says which methods each way to train takes; TypeScript does not follow it through two
  // look-ups.
  return (measures[methods[method].training]! as Measure<TrainingKind>)(bench, method as never);
}

/** Steps of a default run that are trained, and those that are run. */
function stepsOf({ pipeline, config }: Bench): { trained: number; run: number } {
  const { inferenceSteps } = config.sampling;
  const moving = pipeline.scheduler.movingTimesteps(inferenceSteps).length;
  const [, trained] = trainedTimesteps(config, moving);
  return { trained, run: moving };
}

async function ofPairs(bench: Bench, method: MethodOf<'pairs'>): Promise<Taken> {
  const { initial, options } = adapterOf(bench);
  const { eta, guidance } = fewStepSettings(bench);
  const trainer = await TransitionTrainer.open(bench.engine, {
    ...options,
    ...inputsOf(bench),
    inferenceSteps: fewSteps,
    eta,
    guidance,
    loss: pairLosses[method](bench.config),
    run: { images: 2, comparisons: 1 },
  });
  await trainer.load(initial);
  const images = [trajectoryOf(bench, 1), trajectoryOf(bench, 2)];
  const comparisons = [{ winner: 0, loser: 1, weight: 1 }];
  const example = { context: bench.context, images, comparisons };
  const seconds = await secondTime(() => trainer.step([example], [[0]]));
  const { trained } = stepsOf(bench);
  return { of: `a judged pair at ${trained} steps`, seconds: trained * seconds };
}

function trajectoryOf(bench: Bench, seed: number): Trajectory {
  const { latentShape, scheduler } = bench.pipeline;
  const filled = (label: string, states: number) => {
    const dims = [states, ...latentShape];
    return float32(dims, gaussianNoise(`${label} ${seed}`, sizeOf(dims)));
  };
  return {
    prompt: 'any',
    seed,
    noiseSeed: seed,
    settings: fewStepSettings(bench),
    timesteps: scheduler.timesteps(fewSteps),
    latents: filled('latents', fewSteps + 1),
    logProbabilities: new Float64Array(fewSteps),
    predictions: filled('predictions', fewSteps),
  };
}

function drawingOptions(bench: Bench) {
  const { initial, options } = adapterOf(bench);
  const { pipeline, emptyContext } = bench;
  const settings = fewStepSettings(bench);
  return { initial, options: { ...options, pipeline, emptyContext, settings, images: 1 } };
}

async function ofRewardGradient(bench: Bench, name: MethodOf<'reward-gradient'>): Promise<Taken> {
  const method = rewardGradients[name](bench.config);
  const { run } = stepsOf(bench);
  const random = randomOf('plans', name);
  const plans = Array.from({ length: 64 }, () => method.plan(run, () => random.next()));
  const mean = (read: (plan: RolloutPlan) => number) =>
    plans.reduce((sum, plan) => sum + read(plan), 0) / plans.length;
  let trained: readonly number[] = [];
  const plan = { ...plans[0]!, executed: 2 };
  const { initial, options } = drawingOptions(bench);
  const trainer = await RolloutTrainer.open(bench.engine, {
    ...options,
    method: { ...method, plan: () => ({ ...plan, trained }) },
    reward,
  });
  await trainer.load(initial);
  const batch = { ...originOf(bench), rewardFeeds: await reward.feeds(['any']) };
  const stepWith = (...steps: number[]) => {
    trained = steps;
    return secondTime(() => trainer.step([batch], () => 0));
  };
  const [one, two] = [await stepWith(1), await stepWith(0, 1)];
  const backward = Math.max(0, two - one);
  const further = mean(({ executed }) => executed) - plan.executed;
  const seconds =
    one + further * bench.stepSeconds + (mean((own) => own.trained.length) - 1) * backward;
  return { of: `an image of ${run} steps, with its gradient`, seconds };
}

async function ofPolicyGradient(bench: Bench, name: MethodOf<'policy-gradient'>): Promise<Taken> {
  const { pipeline, config } = bench;
  const { initial, options } = drawingOptions(bench);
  const eligibleSteps = pipeline.scheduler.movingTimesteps(fewSteps).length;
  const trainer = await PolicyGradientTrainer.open(bench.engine, {
    ...options,
    drawImages: 2,
    eligibleSteps,
    method: policyGradients[name](config),
    openScorer: scorerOf(reward),
  });
  await trainer.load(initial);
  const [one, other] = [originOf(bench, 1), originOf(bench, 2)];
  const random = randomOf('epochs', name);
  await trainer.epoch([one, other], [[{ example: 0, timestepIndex: 0 }]], () => random.next());
  const [drawn, images] = await timed(() => trainer.draw([one]));
  const advantages = [new Float32Array(eligibleSteps).fill(1)];
  const [updated] = await timed(() =>
    trainer.update({ images, advantages }, [{ example: 0, timestepIndex: 0 }]),
  );
  const { run, trained } = stepsOf(bench);
  return {
    of: `an image of ${run} steps, trained at ${trained}`,
    seconds: (run / eligibleSteps) * drawn + trained * updated,
  };
}

async function ofStepPairs(bench: Bench, name: MethodOf<'step-pairs'>): Promise<Taken> {
  const { pipeline, config } = bench;
  const { initial, options } = drawingOptions(bench);
  const eligibleSteps = pipeline.scheduler.movingTimesteps(fewSteps).length;
  const made = stepPairs[name](config);
  const trainer = await SpoTrainer.open(bench.engine, {
    ...options,
    ...made,
    // Whatever the reward says, pairs are made.
    choice: { ...made.choice, startStep: 0, threshold: 0, scoreScale: 1e6 },
    eligibleSteps,
    openScorer: scorerOf(reward),
  });
  await trainer.load(initial);
  const random = randomOf('candidates', name);
  const draw = () => trainer.draw([originOf(bench)], () => random.next());
  await draw();
  const [drawn, { pairs }] = await timed(draw);
  if (pairs.length === 0) throw new Error('No candidates could be told apart.');
  const updated = await secondTime(() => trainer.update(pairs.slice(0, 1)));
  const { run } = stepsOf(bench);
  return {
    of: `an image of ${run} steps, with ${made.choice.candidates} candidates at each`,
    seconds: (run / eligibleSteps) * drawn + run * updated,
  };
}

async function ofFinished(
  bench: Bench,
  name: MethodOf<'finished-pairs' | 'finished-images' | 'graded-images'>,
): Promise<Taken> {
  const method = noisedImages[name](bench.config);
  const { initial, options } = adapterOf(bench);
  const trainer = await NoiseTrainer.open(bench.engine, {
    ...options,
    ...inputsOf(bench),
    method,
    images: method.imagesPerExample,
    examplesPerStep: 1,
    reference: 'base',
  });
  await trainer.load(initial);
  const size = sizeOf(bench.pipeline.latentShape);
  const example = {
    images: Array.from({ length: method.imagesPerExample }, (_, i) => startingNoise(i + 1, size)),
    context: bench.context,
    weight: 1,
    good: true,
    grade: 1,
  };
  const draw = { timestep: 500, noise: startingNoise(9, size), withoutPrompt: false };
  const seconds = await secondTime(() => trainer.step([example], [draw]));
  return {
    of: method.imagesPerExample === 2 ? 'a pair, noised once' : 'an image, noised once',
    seconds,
  };
}
