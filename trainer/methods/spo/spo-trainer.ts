/**
 * @file SPO at work: draw pairs of candidates with the current weights, then take optimizer steps
 * on them.
 */

import { takesScalarTimestep } from '@/trainer/diffusion/denoise/inputs';
import { float32 } from '@/trainer/graph/tensor';
import type { OpenScorer } from '@/trainer/rewards/scorer';
import type { Engine } from '@/trainer/runtime/engine';
import { dealOut, type TrainingLane } from '../optimizer/replicas';
import { ReplicatedTrainer } from '../optimizer/replicated-trainer';
import type { DrawOrigin } from '../policy-gradient/draw';
import {
  type DrawingOptions,
  type DrawingPolicy,
  openDrawingPolicy,
} from '../rollouts/drawing-policy';
import { LatentScorer } from '../rollouts/latent-scorer';
import { layOut } from '../transitions/examples';
import type { PairLoss } from '../transitions/pair-loss';
import type { ChoiceSettings } from './choice';
import { drawPairs, type PairDraw, type StepPair } from './draw';
import { buildSpoStep, reportPairs, type StepPairReport, spoFeeds, stepOutputs } from './step';

/** With eta above 0. A batch of images that is drawn is as large as a run of pairs. */
export interface SpoTrainerOptions extends DrawingOptions {
  /** Steps that may be trained on, from the noisiest. */
  eligibleSteps: number;
  choice: ChoiceSettings;
  loss: PairLoss;
  openScorer: OpenScorer;
}

/** A draw, and of a combined reward each term's mean over its candidates. */
export type ScoredPairs = PairDraw & { rewardParts: Record<string, number> };

/** What one optimizer step showed. */
export interface SpoUpdate {
  /** Global L2 norm of the gradient before clipping. */
  gradNorm: number;
  pairs: StepPairReport[];
}

interface Parts extends DrawingPolicy {
  scorer: LatentScorer;
  lanes: readonly TrainingLane[];
}

export class SpoTrainer extends ReplicatedTrainer {
  private constructor(
    private readonly options: SpoTrainerOptions,
    private readonly timesteps: readonly number[],
    private readonly parts: Parts,
  ) {
    super(parts.replicas);
  }

  /** Builds and loads the graphs. Call `load` before the first draw. */
  static async open(engine: Engine, options: SpoTrainerOptions): Promise<SpoTrainer> {
    const { trainable, pipeline, settings, images, loss } = options;
    const { scheduler } = pipeline;
    const policy = await openDrawingPolicy(engine, options);
    const { replicas, shape } = policy;
    const stepShape = { ...shape, clip: scheduler.clip };
    const graph = buildSpoStep(trainable, stepShape, loss, replicas.secondMoment);
    const lanes = await replicas.loadGraph(graph, {
      name: 'SPO step',
      externalDataFolder: pipeline.denoiser.folder,
    });
    const scorer = await LatentScorer.open(engine, pipeline, images, options.openScorer);
    const timesteps = scheduler.movingTimesteps(settings.steps);
    return new SpoTrainer(options, timesteps, { ...policy, scorer, lanes });
  }

  /** Draws candidates with the current weights and forms pairs. @param random uniform in [0, 1) */
  async draw(batches: readonly DrawOrigin[], random: () => number): Promise<ScoredPairs> {
    const { denoiser, scorer } = this.parts;
    const { pipeline, settings, choice, eligibleSteps } = this.options;
    const { scheduler } = pipeline;
    const score = scorer.score.bind(scorer);
    const parts = { denoiser, score, scheduler, settings, choice, eligibleSteps };
    const draw: PairDraw = { pairs: [], scores: [] };
    for (const batch of batches) {
      const { pairs, scores } = await drawPairs(batch, parts, random);
      draw.pairs.push(...pairs);
      draw.scores.push(...scores);
    }
    return { ...draw, rewardParts: scorer.takeParts() };
  }

  /** One optimizer step: the gradient is the mean over the given pairs, at least one. */
  async update(pairs: readonly StepPair[]): Promise<SpoUpdate> {
    const { replicas, lanes, shape } = this.parts;
    const rows = pairs.map(({ timestepIndex }, example) => ({ example, timestepIndex }));
    const single = pairs.map(() => ({ images: 1, comparisons: 1 }));
    const oneTimestep = takesScalarTimestep(this.options.trainable.denoiser);
    const runs = layOut(rows, single, shape.images, oneTimestep);
    const reports = await dealOut(lanes, runs, (lane, run, goOn) => {
      const together = run.map(({ example }) => pairs[example]!);
      return this.#run(lane, together, pairs.length, goOn);
    });
    return {
      gradNorm: await replicas.update(this.options.learningRate, runs.length),
      pairs: reports.flat(),
    };
  }

  async close(): Promise<void> {
    const { lanes, scorer, denoiser, replicas } = this.parts;
    for (const { session } of lanes) await session.release();
    for (const part of [scorer, denoiser, replicas]) await part.release();
  }

  async #run(
    { session, optimizer }: TrainingLane,
    pairs: readonly StepPair[],
    total: number,
    goOn: boolean,
  ): Promise<StepPairReport[]> {
    const { shape } = this.parts;
    const { trainable, pipeline, settings, emptyContext, loss } = this.options;
    const { timesteps } = this;
    const coefficients = (timestepIndex: number) =>
      pipeline.scheduler.coefficients(timesteps[timestepIndex]!, settings.steps, settings.eta);
    const out = await session.run(
      {
        ...spoFeeds(pairs, coefficients, {
          denoiser: trainable.denoiser,
          shape,
          emptyContext,
          total,
        }),
        keepSum: float32([], [goOn ? 1 : 0]),
        ...optimizer.feeds(),
      },
      { fetch: stepOutputs, keep: optimizer.sums() },
    );
    return reportPairs(pairs, timesteps, out, loss, optimizer.step + 1);
  }
}
