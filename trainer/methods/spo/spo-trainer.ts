/** @file SPO at work: draw pairs of candidates with the current weights, then take optimizer steps on them. */
import { takesScalarTimestep } from '@/trainer/diffusion/guided-output';
import type { Adapter } from '@/trainer/diffusion/lora';
import { ImageDecoder } from '@/trainer/diffusion/networks';
import type { Pipeline } from '@/trainer/diffusion/pipeline';
import type { RolloutSettings } from '@/trainer/diffusion/trajectory';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, type Tensor } from '@/trainer/graph/tensor';
import type { OpenScorer, Scorer } from '@/trainer/rewards/scorer';
import type { Engine, Session } from '@/trainer/runtime/engine';
import type { D3poSettings } from '../d3po';
import type { DenoiseShape } from '../guided-policy';
import { Optimizer, type OptimizerOptions, type TrainState } from '../optimizer/optimizer';
import type { DrawOrigin } from '../policy-gradient/draw';
import { finiteRewards } from '../rollouts/finite-rewards';
import { TrainedDenoiser } from '../rollouts/trained-denoiser';
import type { Trainable } from '../trainable';
import { layOut } from '../transitions/examples';
import type { ChoiceSettings } from './choice';
import { drawPairs, type PairDraw, type StepPair } from './draw';
import { buildSpoStep, reportPairs, type StepPairReport, spoFeeds, stepOutputs } from './step';

export interface SpoTrainerOptions extends OptimizerOptions {
  trainable: Trainable;
  pipeline: Pipeline;
  /** Text embedding of the empty prompt, [tokens, width]. */
  emptyContext: Tensor<'float32'>;
  /** eta above 0. */
  settings: RolloutSettings;
  /** Images in a batch that is drawn, and pairs in a run. */
  images: number;
  /** Steps that may be trained on, from the noisiest. */
  eligibleSteps: number;
  choice: ChoiceSettings;
  loss: D3poSettings;
  openScorer: OpenScorer;
  learningRate: number;
}

/** What one optimizer step showed. */
export interface SpoUpdate {
  /** Global L2 norm of the gradient before clipping. */
  gradNorm: number;
  pairs: StepPairReport[];
}

interface Parts {
  optimizer: Optimizer;
  denoiser: TrainedDenoiser;
  decoder: ImageDecoder;
  scorer: Scorer;
  transition: Session;
}

export class SpoTrainer {
  private constructor(
    private readonly options: SpoTrainerOptions,
    private readonly shape: DenoiseShape,
    private readonly timesteps: readonly number[],
    private readonly parts: Parts,
  ) {}

  /** Builds and loads the graphs. Call `load` before the first draw. */
  static async open(engine: Engine, options: SpoTrainerOptions): Promise<SpoTrainer> {
    const { trainable, pipeline, settings, images, emptyContext } = options;
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
    const { clip } = scheduler;
    const graph = buildSpoStep(trainable, { ...shape, clip }, options.loss, secondMoment);
    const transition = await engine.load(serializeOnnx(graph), {
      name: 'SPO step',
      resident: Object.keys(optimizer.sums()),
      externalDataFolder,
    });
    const decoder = await ImageDecoder.open(engine, pipeline, images);
    const { height, width } = decoder;
    const scorer = await options.openScorer(engine, { images, height, width });
    const timesteps = scheduler.timesteps(settings.steps);
    const parts = { optimizer, denoiser, decoder, scorer, transition };
    return new SpoTrainer(options, shape, timesteps, parts);
  }

  /** Puts weights and moments where training goes on from. */
  load(state: TrainState): Promise<void> {
    return this.parts.optimizer.load(state);
  }

  /** Weights and moments as they are now. */
  state(): Promise<TrainState> {
    return this.parts.optimizer.state();
  }

  /** The gradient of the last optimizer step, before clipping. */
  gradient(): Promise<Adapter> {
    return this.parts.optimizer.gradient();
  }

  /** Draws candidates with the current weights and forms pairs. @param random uniform in [0, 1) */
  async draw(batches: readonly DrawOrigin[], random: () => number): Promise<PairDraw> {
    const { denoiser, decoder, scorer } = this.parts;
    const { pipeline, settings, choice, eligibleSteps } = this.options;
    const score = async (latents: Float32Array, prompts: readonly string[]) =>
      finiteRewards(scorer.name, await scorer.score(await decoder.decode(latents), prompts));
    const { scheduler } = pipeline;
    const parts = { denoiser, score, scheduler, settings, choice, eligibleSteps };
    const draw: PairDraw = { pairs: [], scores: [] };
    for (const batch of batches) {
      const { pairs, scores } = await drawPairs(batch, parts, random);
      draw.pairs.push(...pairs);
      draw.scores.push(...scores);
    }
    return draw;
  }

  /** One optimizer step: the gradient is the mean over the given pairs, at least one. */
  async update(pairs: readonly StepPair[]): Promise<SpoUpdate> {
    const { optimizer } = this.parts;
    const rows = pairs.map(({ timestepIndex }, example) => ({ example, timestepIndex }));
    const single = pairs.map(() => ({ images: 1, comparisons: 1 }));
    const oneTimestep = takesScalarTimestep(this.options.trainable.unet);
    const reports: StepPairReport[] = [];
    for (const [index, run] of layOut(rows, single, this.shape.images, oneTimestep).entries()) {
      const together = run.map(({ example }) => pairs[example] as StepPair);
      reports.push(...(await this.#run(together, pairs.length, index > 0)));
    }
    return { gradNorm: await optimizer.update(this.options.learningRate), pairs: reports };
  }

  async close(): Promise<void> {
    const { transition, scorer, decoder, denoiser, optimizer } = this.parts;
    for (const part of [transition, scorer, decoder, denoiser, optimizer]) await part.release();
  }

  async #run(pairs: readonly StepPair[], total: number, goOn: boolean): Promise<StepPairReport[]> {
    const { optimizer, transition } = this.parts;
    const { trainable, pipeline, settings, emptyContext, loss } = this.options;
    const { shape, timesteps } = this;
    const coefficients = (timestepIndex: number) =>
      pipeline.scheduler.coefficients(
        timesteps[timestepIndex] as number,
        settings.steps,
        settings.eta,
      );
    const scalarTimestep = takesScalarTimestep(trainable.unet);
    const out = await transition.run(
      {
        ...spoFeeds(pairs, coefficients, { shape, scalarTimestep, total }),
        ...(shape.guidance !== 1 && {
          emptyContext: float32([1, ...shape.context], emptyContext.data),
        }),
        keepSum: float32([], [goOn ? 1 : 0]),
        ...optimizer.feeds(),
      },
      { fetch: stepOutputs, keep: optimizer.sums() },
    );
    return reportPairs(pairs, timesteps, out, loss, optimizer.step + 1);
  }
}
