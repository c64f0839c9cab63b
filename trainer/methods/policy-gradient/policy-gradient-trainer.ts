/**
 * @file Training by what happened to be drawn: draw images with the current weights, score them, weigh each against what was
 * to be expected, and take optimizer steps that make the transitions of the better ones likelier. The reward is a number
 * here, so it may come from anything that sees pixels.
 */
import { takesScalarTimestep } from '@/trainer/diffusion/guided-output';
import type { Adapter } from '@/trainer/diffusion/lora';
import { ImageDecoder } from '@/trainer/diffusion/networks';
import type { Pipeline } from '@/trainer/diffusion/pipeline';
import type { RolloutSettings } from '@/trainer/diffusion/trajectory';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, type Tensor } from '@/trainer/graph/tensor';
import type { OpenScorer, Scorer } from '@/trainer/rewards/scorer';
import type { Engine, Session } from '@/trainer/runtime/engine';
import type { DenoiseShape } from '../guided-policy';
import { Optimizer, type OptimizerOptions, type TrainState } from '../optimizer/optimizer';
import { finiteRewards } from '../rollouts/finite-rewards';
import { Roller, type Rollout } from '../rollouts/roller';
import { TrainedDenoiser } from '../rollouts/trained-denoiser';
import type { Trainable } from '../trainable';
import { layOut, type Row } from '../transitions/examples';
import type { Baseline } from './baseline';
import { type DrawnImage, type DrawOrigin, imagesOf } from './draw';
import type { PolicyGradientMethod } from './method';
import { reportRun, runFeeds, type TransitionReport, type WeighedDraw } from './run';
import { buildPolicyGradientStep } from './step';

export interface PolicyGradientTrainerOptions extends OptimizerOptions {
  trainable: Trainable;
  pipeline: Pipeline;
  /** Text embedding of the empty prompt, [tokens, width]. */
  emptyContext: Tensor<'float32'>;
  /** eta above 0. */
  settings: RolloutSettings;
  /** Images in a batch of rollouts, and transitions in a run. */
  images: number;
  /** Images in a draw: whole batches. */
  drawImages: number;
  /** Steps that may be trained on, from the noisiest. */
  eligibleSteps: number;
  method: PolicyGradientMethod;
  openScorer: OpenScorer;
  learningRate: number;
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
  updates: UpdateReport[];
  /** Of a learned baseline. */
  valueLoss?: number;
}

interface Parts {
  optimizer: Optimizer;
  denoiser: TrainedDenoiser;
  decoder: ImageDecoder;
  scorer: Scorer;
  baseline: Baseline;
  transition: Session;
}

export class PolicyGradientTrainer {
  private constructor(
    private readonly options: PolicyGradientTrainerOptions,
    private readonly shape: DenoiseShape,
    private readonly roller: Roller,
    private readonly parts: Parts,
  ) {}

  /** Builds and loads the graphs. Call `load` before the first epoch. */
  static async open(
    engine: Engine,
    options: PolicyGradientTrainerOptions,
  ): Promise<PolicyGradientTrainer> {
    const { trainable, pipeline, settings, images, method, emptyContext } = options;
    const { scheduler, latentShape: latent } = pipeline;
    const context = [pipeline.tokenizer.maxLength, pipeline.embeddingSize] as const;
    const shape = { images, latent, context, guidance: settings.guidance };
    const secondMoment = options.secondMoment ?? 'step';
    const optimizer = await Optimizer.open(engine, trainable.tensors, options);
    const externalDataFolder = pipeline.unet.folder;
    const denoiser = new TrainedDenoiser(engine, optimizer, {
      trainable,
      shape,
      emptyContext,
      externalDataFolder,
    });
    const graph = buildPolicyGradientStep(
      trainable,
      { ...shape, clip: scheduler.clip },
      method,
      secondMoment,
    );
    const transition = await engine.load(serializeOnnx(graph), {
      name: `${method.name} step`,
      resident: Object.keys(optimizer.sums()),
      externalDataFolder,
    });
    const decoder = await ImageDecoder.open(engine, pipeline, images);
    const { height, width } = decoder;
    const scorer = await options.openScorer(engine, { images, height, width });
    const { steps } = settings;
    const baseline = await method.baseline(engine, {
      images: options.drawImages,
      steps,
      latent,
      context,
    });
    return new PolicyGradientTrainer(
      options,
      shape,
      new Roller({ denoiser, scheduler, settings, images }),
      { optimizer, denoiser, decoder, scorer, baseline, transition },
    );
  }

  /** Puts weights, moments and what the baseline knows where training goes on from. */
  async load(state: TrainState): Promise<void> {
    await this.parts.optimizer.load(state);
    await this.parts.baseline.load(state.extra ?? new Map());
  }

  /** All of that as it is now. */
  async state(): Promise<TrainState> {
    const extra = await this.parts.baseline.state();
    return { ...(await this.parts.optimizer.state()), ...(extra.size > 0 && { extra }) };
  }

  /** The gradient of the last optimizer step, before clipping. */
  gradient(): Promise<Adapter> {
    return this.parts.optimizer.gradient();
  }

  /**
   * Draws the batches and takes one optimizer step for each list of transitions: rows whose `example` is an image of the draw.
   * @param random uniform in [0, 1) @throws NonFiniteError on NaN or infinity: go on from the last checkpoint
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
    return { ...seen, updates, rewards: images.map(({ reward }) => reward) };
  }

  /** Draws and scores images with the current weights. */
  async draw(batches: readonly DrawOrigin[]): Promise<DrawnImage[]> {
    const { scorer, decoder } = this.parts;
    const images: DrawnImage[] = [];
    for (const batch of batches) {
      const rollout = await this.roller.run(batch);
      const pixels = await decoder.decode(rollout.previous);
      const rewards = finiteRewards(scorer.name, await scorer.score(pixels, batch.prompts));
      images.push(...imagesOf(batch, rollout, rewards, await this.#reference(batch, rollout)));
    }
    return images;
  }

  /** One optimizer step: the gradient is the mean over the given transitions. */
  async update(draw: WeighedDraw, rows: readonly Row[]): Promise<UpdateReport> {
    const { optimizer } = this.parts;
    const { images, learningRate, trainable } = this.options;
    const single = draw.images.map(() => ({ images: 1, comparisons: 0 }));
    const runs = layOut(rows, single, images, takesScalarTimestep(trainable.unet));
    const transitions: TransitionReport[] = [];
    for (const [index, run] of runs.entries()) {
      transitions.push(...(await this.#run(draw, run, rows.length, index > 0)));
    }
    return { gradNorm: await optimizer.update(learningRate), transitions };
  }

  async close(): Promise<void> {
    const { transition, baseline, scorer, decoder, denoiser, optimizer } = this.parts;
    for (const part of [transition, baseline, scorer, decoder, denoiser, optimizer]) {
      await part.release();
    }
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
    draw: WeighedDraw,
    rows: readonly Row[],
    total: number,
    goOn: boolean,
  ): Promise<TransitionReport[]> {
    const { optimizer, transition } = this.parts;
    const { trainable, pipeline, settings, method, emptyContext } = this.options;
    const { timesteps } = this.roller;
    const { shape } = this;
    const coefficients = (timestepIndex: number) =>
      pipeline.scheduler.coefficients(
        timesteps[timestepIndex] as number,
        settings.steps,
        settings.eta,
      );
    const scalarTimestep = takesScalarTimestep(trainable.unet);
    const out = await transition.run(
      {
        ...runFeeds(draw, rows, coefficients, { shape, scalarTimestep, total }),
        ...(shape.guidance !== 1 && {
          emptyContext: float32([1, ...shape.context], emptyContext.data),
        }),
        keepSum: float32([], [goOn ? 1 : 0]),
        ...optimizer.feeds(),
      },
      { fetch: ['logProbability', 'transitionLoss', 'outputDistance'], keep: optimizer.sums() },
    );
    return reportRun(draw, rows, timesteps, out, method, optimizer.step + 1);
  }
}
