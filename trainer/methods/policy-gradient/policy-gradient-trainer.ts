/**
 * @file Training by what happened to be drawn: draw images with the current weights, score them,
 * weigh each against what was to be expected, and take optimizer steps that make the transitions of
 * the better ones likelier. The reward is a number here, so it may come from anything that sees
 * pixels.
 */

import { takesScalarTimestep } from '@/trainer/diffusion/denoise/inputs';
import { float32 } from '@/trainer/graph/tensor';
import type { OpenScorer } from '@/trainer/rewards/scorer';
import type { Engine } from '@/trainer/runtime/engine';
import type { TrainState } from '../optimizer/optimizer';
import { dealOut, type TrainingLane } from '../optimizer/replicas';
import { ReplicatedTrainer } from '../optimizer/replicated-trainer';
import {
  type DrawingOptions,
  type DrawingPolicy,
  openDrawingPolicy,
} from '../rollouts/drawing-policy';
import { LatentScorer } from '../rollouts/latent-scorer';
import { Roller, type Rollout } from '../rollouts/roller';
import { layOut, type Row } from '../transitions/examples';
import type { Baseline } from './baseline';
import { type DrawnImage, type DrawOrigin, imagesOf } from './draw';
import type { PolicyGradientMethod } from './method';
import { reportRun, runFeeds, type TransitionReport, type WeighedDraw } from './run';
import { buildPolicyGradientStep } from './step';

/** With eta above 0. A batch of images that is drawn is as large as a run of transitions. */
export interface PolicyGradientTrainerOptions extends DrawingOptions {
  /** Images in a draw: whole batches. */
  drawImages: number;
  /** Steps that may be trained on, from the noisiest. */
  eligibleSteps: number;
  method: PolicyGradientMethod;
  openScorer: OpenScorer;
}

/** What one optimizer step showed. */
export interface UpdateReport {
  /** Global L2 norm of the gradient before clipping. */
  gradNorm: number;
  transitions: TransitionReport[];
}

/** What a draw and the steps taken on it showed. */
export interface EpochReport {
  rewards: number[];
  /** Of a combined reward, each term's mean. */
  rewardParts: Record<string, number>;
  updates: UpdateReport[];
  /** Of a learned baseline. */
  valueLoss?: number;
}

interface Parts extends DrawingPolicy {
  scorer: LatentScorer;
  baseline: Baseline;
  lanes: readonly TrainingLane[];
}

export class PolicyGradientTrainer extends ReplicatedTrainer {
  private constructor(
    private readonly options: PolicyGradientTrainerOptions,
    private readonly roller: Roller,
    private readonly parts: Parts,
  ) {
    super(parts.replicas);
  }

  /** Builds and loads the graphs. Call `load` before the first epoch. */
  static async open(
    engine: Engine,
    options: PolicyGradientTrainerOptions,
  ): Promise<PolicyGradientTrainer> {
    const { trainable, pipeline, settings, images, method } = options;
    const { scheduler } = pipeline;
    const policy = await openDrawingPolicy(engine, options);
    const { replicas, denoiser, shape } = policy;
    const { context } = shape;
    const graph = buildPolicyGradientStep(
      trainable,
      { ...shape, clip: scheduler.clip },
      method,
      replicas.secondMoment,
    );
    const lanes = await replicas.loadGraph(graph, {
      name: `${method.name} step`,
      externalDataFolder: pipeline.denoiser.folder,
    });
    const scorer = await LatentScorer.open(engine, pipeline, images, options.openScorer);
    const roller = new Roller({ denoiser, scheduler, settings, images });
    const baseline = await method.baseline(engine, {
      images: options.drawImages,
      steps: roller.timesteps.length,
      latent: pipeline.latentShape,
      context,
    });
    return new PolicyGradientTrainer(options, roller, { ...policy, scorer, baseline, lanes });
  }

  /** Puts weights, moments and what the baseline knows where training goes on from. */
  override async load(state: TrainState): Promise<void> {
    await super.load(state);
    await this.parts.baseline.load(state.extra ?? new Map());
  }

  /** All of that as it is now. */
  override async state(): Promise<TrainState> {
    const extra = await this.parts.baseline.state();
    return { ...(await super.state()), ...(extra.size > 0 && { extra }) };
  }

  /**
   * Draws the batches and takes one optimizer step for each list of transitions: rows whose
   * `example` is an image of the draw.
   * @param random uniform in [0, 1) @throws NonFiniteError on NaN or infinity: go on from the last
   * checkpoint
   */
  async epoch(
    batches: readonly DrawOrigin[],
    steps: readonly (readonly Row[])[],
    random: () => number,
  ): Promise<EpochReport> {
    const images = await this.draw(batches);
    const { advantages, ...seen } = await this.parts.baseline.weigh(images, random);
    const updates: UpdateReport[] = [];
    for (const rows of steps) updates.push(await this.update({ images, advantages }, rows));
    const rewards = images.map(({ reward }) => reward);
    return { ...seen, updates, rewards, rewardParts: this.parts.scorer.takeParts() };
  }

  /** Draws and scores images with the current weights. */
  async draw(batches: readonly DrawOrigin[]): Promise<DrawnImage[]> {
    const images: DrawnImage[] = [];
    for (const batch of batches) {
      const rollout = await this.roller.run(batch);
      const rewards = await this.parts.scorer.score(rollout.previous, batch.prompts);
      images.push(...imagesOf(batch, rollout, rewards, await this.#reference(batch, rollout)));
    }
    return images;
  }

  /** One optimizer step: the gradient is the mean over the given transitions. */
  async update(draw: WeighedDraw, rows: readonly Row[]): Promise<UpdateReport> {
    const { replicas, lanes } = this.parts;
    const { images, learningRate, trainable } = this.options;
    const single = draw.images.map(() => ({ images: 1, comparisons: 0 }));
    const runs = layOut(rows, single, images, takesScalarTimestep(trainable.denoiser));
    const reports = await dealOut(lanes, runs, (lane, run, goOn) =>
      this.#run(lane, draw, run, rows.length, goOn),
    );
    return {
      gradNorm: await replicas.update(learningRate, runs.length),
      transitions: reports.flat(),
    };
  }

  async close(): Promise<void> {
    const { lanes, baseline, scorer, denoiser, replicas } = this.parts;
    for (const { session } of lanes) await session.release();
    for (const part of [baseline, scorer, denoiser, replicas]) await part.release();
  }

  /** The reference's guided outputs at the steps that may be trained on. */
  async #reference({ contexts }: DrawOrigin, { steps }: Rollout): Promise<Float32Array[]> {
    const { method, eligibleSteps } = this.options;
    const outputs: Float32Array[] = [];
    for (const { output, sample, coefficients } of steps.slice(0, eligibleSteps)) {
      outputs.push(
        method.reference === 'drawing'
          ? output
          : await this.parts.denoiser.predict('base', sample, coefficients.timestep, contexts),
      );
    }
    return outputs;
  }

  async #run(
    { session, optimizer }: TrainingLane,
    draw: WeighedDraw,
    rows: readonly Row[],
    total: number,
    goOn: boolean,
  ): Promise<TransitionReport[]> {
    const { shape } = this.parts;
    const { trainable, pipeline, settings, method, emptyContext } = this.options;
    const { timesteps } = this.roller;
    const coefficients = (timestepIndex: number) =>
      pipeline.scheduler.coefficients(timesteps[timestepIndex]!, settings.steps, settings.eta);
    const out = await session.run(
      {
        ...runFeeds(draw, rows, coefficients, {
          denoiser: trainable.denoiser,
          shape,
          emptyContext,
          total,
        }),
        keepSum: float32([], [goOn ? 1 : 0]),
        ...optimizer.feeds(),
      },
      { fetch: ['logProbability', 'transitionLoss', 'outputDistance'], keep: optimizer.sums() },
    );
    return reportRun(draw, rows, timesteps, out, method, optimizer.step + 1);
  }
}
