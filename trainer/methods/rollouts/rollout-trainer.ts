/**
 * @file Training by the gradient of a reward: roll out under the current weights, decode, score, and bring the gradient
 * back through the steps that the method trains. One optimizer step may take several batches of rollouts.
 */
import type { AdamWSettings } from '@/trainer/autodiff/adamw';
import type { Adapter } from '@/trainer/diffusion/lora';
import type { Pipeline } from '@/trainer/diffusion/pipeline';
import {
  ddimStep,
  type StepCoefficients,
  type StepResult,
} from '@/trainer/diffusion/schedulers/ddim';
import type { RolloutSettings } from '@/trainer/diffusion/trajectory';
import { externalDataFolderOf } from '@/trainer/graph/onnx/external-data';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, type Tensor } from '@/trainer/graph/tensor';
import type { Reward } from '@/trainer/rewards/reward';
import { type Engine, outputOf, type Session } from '@/trainer/runtime/engine';
import type { SecondMoment } from '../optimizer/accumulation';
import { Optimizer, type TrainState } from '../optimizer/optimizer';
import type { Trainable } from '../trainable';
import { NonFiniteError } from '../transitions/run';
import { backPropagate, type RolloutStep } from './chain';
import type { RewardGradientMethod, RolloutPlan } from './plan';
import { buildRewardStep } from './reward-step';
import { TrainedDenoiser } from './trained-denoiser';

export interface RolloutTrainerOptions {
  trainable: Trainable;
  pipeline: Pipeline;
  /** Text embedding of the empty prompt, [tokens, width]. */
  emptyContext: Tensor<'float32'>;
  settings: RolloutSettings;
  /** Images in a batch. */
  images: number;
  method: RewardGradientMethod;
  reward: Reward;
  adamW: AdamWSettings;
  /** 'step' unless told. */
  secondMoment?: SecondMoment;
  learningRate: number;
}

/** What a batch of rollouts starts from. */
export interface RolloutBatch {
  /** x_T of all images. */
  latents: Float32Array;
  /** Text embeddings, one per image. */
  contexts: readonly Float32Array[];
  /** What the reward takes of the prompts. */
  rewardFeeds: Record<string, Tensor>;
  /** z of a step, for all images; steps beyond the schedule's are those of re-noised copies. */
  noise: (step: number) => Float32Array;
}

/** What a batch showed. */
export interface RolloutReport {
  /** One per image. */
  rewards: Float32Array;
  /** Mean of the method's loss over images and re-noised copies, without the penalty. */
  loss: number;
  /** Mean over trained steps of the KL penalty, before its coefficient; 0 without one. */
  kl: number;
  /** x_0 (or x̂0, where the method stops early) of all images. */
  final: Float32Array;
  plan: RolloutPlan;
}

export class RolloutTrainer {
  private constructor(
    private readonly options: RolloutTrainerOptions,
    private readonly optimizer: Optimizer,
    private readonly denoiser: TrainedDenoiser,
    private readonly rewardStep: Session,
  ) {}

  /** Builds and loads the graphs. Call `load` before the first step. */
  static async open(engine: Engine, options: RolloutTrainerOptions): Promise<RolloutTrainer> {
    const { pipeline, images, reward, method, trainable, settings, emptyContext } = options;
    const optimizer = await Optimizer.open(
      engine,
      trainable.tensors,
      options.adamW,
      options.secondMoment ?? 'step',
    );
    const context = [pipeline.tokenizer.maxLength, pipeline.embeddingSize] as const;
    const denoiser = new TrainedDenoiser(engine, optimizer, {
      trainable,
      shape: { images, latent: pipeline.latentShape, context, guidance: settings.guidance },
      emptyContext,
      externalDataFolder: pipeline.unet.folder,
    });
    const graph = buildRewardStep(pipeline, images, reward, (b, r) => method.loss(b, r));
    // Decoder and reward may each bring data of their own.
    const externalDataFolder = await externalDataFolderOf(graph, pipeline.vaeDecoder.folder);
    const rewardStep = await engine.load(serializeOnnx(graph), {
      name: `reward ${reward.name}`,
      ...(externalDataFolder && { externalDataFolder }),
    });
    return new RolloutTrainer(options, optimizer, denoiser, rewardStep);
  }

  /** Puts weights and moments where training goes on from. */
  load(state: TrainState): Promise<void> {
    return this.optimizer.load(state);
  }

  /** Weights and moments as they are now. */
  state(): Promise<TrainState> {
    return this.optimizer.state();
  }

  /** The gradient of the last step, before clipping. */
  gradient(): Promise<Adapter> {
    return this.optimizer.gradient();
  }

  /** One optimizer step over the batches. @throws NonFiniteError on NaN or infinity: go on from the last checkpoint */
  async step(
    batches: readonly RolloutBatch[],
    random: () => number,
  ): Promise<{ step: number; gradNorm: number; reports: RolloutReport[] }> {
    this.denoiser.startGradient();
    const reports: RolloutReport[] = [];
    for (const batch of batches)
      reports.push(await this.#accumulate(batch, batches.length, random));
    const gradNorm = await this.optimizer.update(this.options.learningRate);
    return { step: this.optimizer.step, gradNorm, reports };
  }

  async close(): Promise<void> {
    await this.rewardStep.release();
    await this.denoiser.release();
    await this.optimizer.release();
  }

  async #accumulate(
    batch: RolloutBatch,
    batches: number,
    random: () => number,
  ): Promise<RolloutReport> {
    const { settings, method } = this.options;
    const plan = method.plan(settings.steps, random);
    const copies = method.renoised ?? 0;
    const share = 1 / (batches * (1 + copies));
    const rollout = await this.#rollOut(plan, batch);
    const original = await this.#train(plan, rollout, batch, share);
    const losses = [original.loss];
    for (let copy = 0; copy < copies; copy++) {
      const again = await this.#renoise(rollout.final, batch, settings.steps + 2 * copy);
      losses.push((await this.#train({ ...plan, trained: [0] }, again, batch, share)).loss);
    }
    const loss = losses.reduce((sum, value) => sum + value, 0) / losses.length;
    return { ...original, loss, final: rollout.final, plan };
  }

  async #rollOut(plan: RolloutPlan, batch: RolloutBatch) {
    const { scheduler } = this.options.pipeline;
    const { steps, eta } = this.options.settings;
    const run: RolloutStep[] = [];
    let sample = batch.latents;
    let result: StepResult | undefined;
    for (const [i, timestep] of scheduler.timesteps(steps).slice(0, plan.executed).entries()) {
      const coefficients = scheduler.coefficients(timestep, steps, eta);
      const output = await this.denoiser.predict('trained', sample, timestep, batch.contexts);
      run.push({ coefficients, sample, output });
      result = this.#advance(coefficients, sample, output, batch.noise(i));
      sample = result.previous;
    }
    const { previous, original } = result as StepResult;
    return { run, final: plan.image === 'previous' ? previous : original };
  }

  /** The finished latents noised back to the last step, q(x_t | x_0), and that step taken once more. */
  async #renoise(clean: Float32Array, batch: RolloutBatch, noiseStep: number) {
    const { scheduler } = this.options.pipeline;
    const { steps, eta } = this.options.settings;
    const timestep = scheduler.timesteps(steps).at(-1) as number;
    const coefficients = scheduler.coefficients(timestep, steps, eta);
    const [signal, spread] = [coefficients.alphaBar, 1 - coefficients.alphaBar].map(Math.sqrt) as [
      number,
      number,
    ];
    const z = batch.noise(noiseStep);
    const sample = clean.map((value, i) => signal * value + spread * (z[i] as number));
    const output = await this.denoiser.predict('trained', sample, timestep, batch.contexts);
    const { previous } = this.#advance(coefficients, sample, output, batch.noise(noiseStep + 1));
    return { run: [{ coefficients, sample, output }], final: previous };
  }

  #advance(
    coefficients: StepCoefficients,
    sample: Float32Array,
    output: Float32Array,
    noise: Float32Array,
  ): StepResult {
    return ddimStep(coefficients, this.options.images, { sample, output, noise });
  }

  /** Scores a rollout and adds its gradient, its loss (a mean over images) counting `share`. */
  async #train(
    plan: RolloutPlan,
    { run, final }: { run: RolloutStep[]; final: Float32Array },
    { contexts, rewardFeeds }: RolloutBatch,
    share: number,
  ): Promise<{ rewards: Float32Array; loss: number; kl: number }> {
    const { images, pipeline } = this.options;
    const scored = await this.rewardStep.run(
      {
        ...rewardFeeds,
        latents: float32([images, ...pipeline.latentShape], final),
        share: float32([], [share / images]),
      },
      {},
    );
    const read = (name: string) => outputOf(scored, name, 'float32').data;
    const rewards = read('reward');
    if (!rewards.every(Number.isFinite)) {
      throw new NonFiniteError(
        `The reward "${this.options.reward.name}" gave ${rewards.find((r) => !Number.isFinite(r))} for an image. Use another reward model, or start from an earlier policy.`,
      );
    }
    const penalty = this.#penalty(plan, contexts, share);
    await backPropagate(plan, run, read('latentGradient'), {
      product: (step, v, wanted) =>
        this.denoiser.product(step.sample, step.coefficients.timestep, contexts, v, wanted),
      ...(penalty && { penalty: penalty.gradient }),
    });
    const loss = read('loss').reduce((sum, value) => sum + value, 0) / images;
    return { rewards, loss, kl: penalty?.mean() ?? 0 };
  }

  /** The KL penalty: its gradient at a step's guided output, and what it came to. */
  #penalty(plan: RolloutPlan, contexts: readonly Float32Array[], share: number) {
    const { kl } = this.options.method;
    if (!kl || kl.coefficient === 0) return undefined;
    let sum = 0;
    const count = plan.trained.length;
    return {
      mean: () => sum / count,
      gradient: async ({ coefficients, sample, output }: RolloutStep): Promise<Float32Array> => {
        const { timestep, mean, sigma } = coefficients;
        const base = await this.denoiser.predict('base', sample, timestep, contexts);
        const weight = kl.form === 'noise' ? 1 : mean.output ** 2 / (2 * sigma ** 2);
        const factor = (2 * kl.coefficient * weight * share) / (count * output.length);
        let squares = 0;
        const gradient = output.map((value, i) => {
          const difference = value - (base[i] as number);
          squares += difference ** 2;
          return factor * difference;
        });
        sum += (weight * squares) / output.length;
        return gradient;
      },
    };
  }
}
