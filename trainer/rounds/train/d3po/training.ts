/**
 * @file D3PO on one round: its frozen pairs and groups and their trajectories, step by step through
 * the transition trainer.
 */

import { type TrainingPair, trainingPairsOf } from '@/db/answers/training-data';
import { sha256 } from '@/db/blobs/store';
import type { MethodOf } from '@/lib/methods';
import type { TrainMetrics } from '@/lib/metrics';
import { type RunConfig, trainedTimesteps } from '@/lib/settings/run-config';
import { takesScalarTimestep } from '@/trainer/diffusion/denoise/inputs';
import type { Conditioning } from '@/trainer/diffusion/pipelines/conditioning';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import type { Tensor } from '@/trainer/graph/tensor';
import { pairLosses } from '@/trainer/methods/registry';
import type { Example } from '@/trainer/methods/transitions/examples';
import type { TransitionReport } from '@/trainer/methods/transitions/run';
import {
  type TimestepWeighting,
  timestepWeights,
} from '@/trainer/methods/transitions/timestep-weights';
import { TransitionTrainer } from '@/trainer/methods/transitions/transition-trainer';
import { mostImagesPerRun } from '../method-settings';
import { openTrainee } from '../trainee';
import type { StepMetrics, Training, TrainingContext } from '../training';
import { bestRunSize, type RoundExample, roundExamples } from './examples';
import { planSteps, type Step } from './steps';
import { Trajectories } from './trajectories';

type PairsMethod = MethodOf<'pairs'>;

type Chosen = 'referencePolicy' | 'guidanceInTraining' | 'timestepWeighting';

/** What not every such method lets choose: the policy that drew is compared with as it drew. */
const unchosen: Pick<RunConfig['d3po'], Chosen> = {
  referencePolicy: 'round',
  guidanceInTraining: true,
  timestepWeighting: 'uniform',
};

/** Opens a method that learns from judged pairs, on a round whose labeling has ended. */
export async function openD3poTraining(context: TrainingContext<PairsMethod>): Promise<Training> {
  const { engine, round, start, method } = context;
  const { config } = round;
  const { pipeline } = start;
  const pairs = await trainingPairsOf(round.id);
  const { label, conditioning, options, training } = await openTrainee(context);
  const mostImages = mostImagesPerRun(pipeline, 2);
  const examples = roundExamples(pairs, mostImages);
  const moving = pipeline.scheduler.movingTimesteps(config.sampling.inferenceSteps);
  const steps = planSteps(examples.length, config, [...label], moving.length);
  const { sampling } = config;
  const own = { ...unchosen, ...config[method] };
  const guidance = own.guidanceInTraining ? sampling.guidanceScale : 1;
  const trainer = await TransitionTrainer.open(engine, {
    ...options,
    ...conditioning.options,
    inferenceSteps: sampling.inferenceSteps,
    eta: sampling.eta,
    guidance,
    loss: pairLosses[method](config),
    timestepWeights: weightsOf(own.timestepWeighting, config, pipeline.scheduler),
    ...bestRunSize(examples, steps, mostImages, takesScalarTimestep(pipeline.denoiser.graph)),
    reference: reference(start.weights?.tensors, own, sampling),
  });
  const trajectories = new Trajectories(config);
  const trainedIn = async (step: Step) =>
    [
      await Promise.all(
        step.map(({ example }) => exampleOf(examples[example]!, trajectories, conditioning.encode)),
      ),
      step.map(({ timestepIndices }) => timestepIndices),
    ] as const;
  return training(trainer, {
    steps: steps.length,
    dataHash: hashOf(pairs),
    async step(index) {
      const report = await trainer.step(...(await trainedIn(steps[index]!)));
      const { mean, timesteps } = transitionMetrics(report.transitions);
      return { mean: { ...mean, gradNorm: report.gradNorm }, timesteps };
    },
    async after() {
      const last = steps.at(-1);
      return last && transitionMetrics(await trainer.measure(...(await trainedIn(last)))).mean;
    },
  });
}

function weightsOf(
  weighting: TimestepWeighting,
  { sampling, training }: RunConfig,
  scheduler: Pipeline['scheduler'],
): number[] {
  const { inferenceSteps, eta } = sampling;
  const moving = scheduler.movingTimesteps(inferenceSteps);
  const [eligible] = trainedTimesteps({ training, sampling }, moving.length);
  return timestepWeights(
    weighting,
    moving
      .slice(0, eligible)
      .map((timestep) => scheduler.coefficients(timestep, inferenceSteps, eta)),
  );
}

/** The reference policy where its predictions were not stored with the trajectories. */
function reference(
  startTensors: ReadonlyMap<string, Tensor> | undefined,
  own: Pick<RunConfig['d3po'], Chosen>,
  sampling: RunConfig['sampling'],
) {
  const storedGuidance = own.guidanceInTraining || sampling.guidanceScale === 1;
  const isBase = own.referencePolicy === 'base' || !startTensors;
  if (storedGuidance && (own.referencePolicy === 'round' || !startTensors)) return undefined;
  return isBase ? 'base' : new Map(startTensors as ReadonlyMap<string, Tensor<'float32'>>);
}

async function exampleOf(
  { prompt, samples, comparisons }: RoundExample,
  trajectories: Trajectories,
  encode: (prompt: string) => Promise<Conditioning>,
): Promise<Example> {
  return {
    context: await encode(prompt),
    images: await Promise.all(samples.map((sample) => trajectories.of(sample))),
    comparisons,
  };
}

/**
 * Tells what was trained on from any other data: images, paths, order, weights and, where there is
 * any, doubt.
 */
function hashOf(pairs: readonly TrainingPair[]): string {
  const rows = pairs.map(({ prompt, winner, loser, weight, smoothing }) => [
    prompt,
    winner.trajectoryBlob,
    loser.trajectoryBlob,
    weight,
    ...(smoothing > 0 ? [smoothing] : []),
  ]);
  return sha256(new TextEncoder().encode(JSON.stringify(rows)));
}

type Shown = Omit<TransitionReport, 'example'>;

/** What compared transitions showed on the whole, and by timestep. There must be one. */
export function transitionMetrics(transitions: readonly Shown[]): StepMetrics {
  const timesteps = [...new Set(transitions.map(({ timestep }) => timestep))].sort((a, b) => b - a);
  return {
    mean: meanOf(transitions),
    timesteps: timesteps.map((timestep) => ({
      timestep,
      metrics: meanOf(transitions.filter((transition) => transition.timestep === timestep)),
    })),
  };
}

/**
 * Log-probabilities of a few units are float32: what is smaller is rounding, as in a first step,
 * before anything has moved.
 */
const resolution = 1e-6;

function meanOf(transitions: readonly Shown[]): TrainMetrics {
  const mean = (read: (transition: Shown) => number) =>
    transitions.reduce((sum, transition) => sum + read(transition), 0) / transitions.length;
  const hasOwn = transitions.every(({ ratios }) => ratios !== undefined);
  return {
    loss: mean(({ loss }) => loss),
    // The policy says like the people: it has made the winner likelier, relative to the reference.
    // Level: half.
    implicitAccuracy: mean(({ logRatioWinner, logRatioLoser, ratios }) => {
      const margin = ratios ? ratios[0] - ratios[1] : logRatioWinner - logRatioLoser;
      return Math.abs(margin) < resolution ? 0.5 : Number(margin > 0);
    }),
    ...(hasOwn
      ? {
          ratioWinner: mean(({ ratios }) => ratios![0]),
          ratioLoser: mean(({ ratios }) => ratios![1]),
        }
      : {
          logRatioWinner: mean(({ logRatioWinner }) => logRatioWinner),
          logRatioLoser: mean(({ logRatioLoser }) => logRatioLoser),
        }),
    ...(!hasOwn && { clipFraction: mean(({ clipFraction }) => clipFraction) }),
    kl: mean(({ kl }) => kl),
  };
}
