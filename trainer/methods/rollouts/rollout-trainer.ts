/**
 * @file Training by the gradient of a reward: roll out under the current weights, decode, score,
 * and bring the gradient back through the steps that the method trains. One optimizer step may take
 * several batches of rollouts.
 */
import type { Adapter } from '@/trainer/diffusion/adapters/lora';
import { externalDataFolderOf } from '@/trainer/graph/onnx/external-data';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, type Tensor } from '@/trainer/graph/tensor';
import { type Reward, RewardError } from '@/trainer/rewards/reward';
import type { outputParts } from '@/trainer/rewards/scorer';
import { type Engine, outputOf, type Session } from '@/trainer/runtime/engine';
import type { Replicas } from '../optimizer/replicas';
import { ReplicatedTrainer } from '../optimizer/replicated-trainer';
import { matchAdjoint } from './adjoint';
import { backPropagate } from './chain';
import { type DrawingOptions, openDrawingPolicy } from './drawing-policy';
import { finiteRewards } from './finite-rewards';
import { holdBySpread, klPenalty } from './kl-penalty';
import type { RewardGradientMethod, RolloutPlan } from './plan';
import { renoise } from './renoise';
import { buildRewardStep } from './reward-step';
import { Roller, type RolloutOrigin, type RolloutStep } from './roller';
import type { TrainedDenoiser } from './trained-denoiser';

export interface RolloutTrainerOptions extends DrawingOptions {
  method: RewardGradientMethod;
  reward: Reward;
  /** What a KL penalty compares with; the base policy where it is left out. */
  reference?: Adapter;
}

/** What a batch of rollouts starts from, and what the reward takes of its prompts. */
export interface RolloutBatch extends RolloutOrigin {
  rewardFeeds: Record<string, Tensor>;
}

/** What a batch showed. */
export interface RolloutReport {
  /** One per image. */
  rewards: Float32Array;
  /** Of a combined reward, each term's mean. */
  rewardParts: Record<string, number>;
  /** Mean of the method's loss over images and re-noised copies, without the penalty. */
  loss: number;
  /** Mean over trained steps of the KL penalty, before its coefficient; 0 without one. */
  kl: number;
  /** x_0 (or x̂0, where the method stops early) of all images. */
  final: Float32Array;
  plan: RolloutPlan;
}

export class RolloutTrainer extends ReplicatedTrainer {
  private constructor(
    private readonly options: RolloutTrainerOptions,
    replicas: Replicas,
    private readonly denoiser: TrainedDenoiser,
    private readonly roller: Roller,
    private readonly rewardStep: Session,
    private readonly readParts: ReturnType<typeof outputParts>,
  ) {
    super(replicas);
  }

  /** Builds and loads the graphs. Call `load` before the first step. */
  static async open(engine: Engine, options: RolloutTrainerOptions): Promise<RolloutTrainer> {
    const { pipeline, images, reward, method, settings } = options;
    const { replicas, denoiser } = await openDrawingPolicy(engine, options, {
      reference: options.reference,
      // Where the runs' squares are summed, a run must not be divided.
      ...(options.secondMoment === 'runs' && { mostLanes: 1 }),
    });
    const { scheduler } = pipeline;
    const roller = new Roller({ denoiser, scheduler, settings, images });
    const { graph, readParts } = buildRewardStep(pipeline, images, reward, {
      lossOf: (b, r) => method.loss(b, r),
      memoryBytes: options.trainable.memoryBytes,
    });
    if (method.kl?.bySpread && !graph.outputs.some(({ name }) => name === 'spread')) {
      throw new RewardError(
        `The reward "${reward.name}" does not know how unsure it is, so it cannot say where to hold the policy. Name a reward learned from people, learned anew if it is an old one, or turn “KL by spread” off.`,
      );
    }
    // Decoder and reward may each bring data of their own.
    const externalDataFolder = await externalDataFolderOf(graph, pipeline.vaeDecoder.folder);
    const rewardStep = await engine.load(serializeOnnx(graph), {
      name: `reward ${reward.name}`,
      ...(externalDataFolder && { externalDataFolder }),
    });
    return new RolloutTrainer(options, replicas, denoiser, roller, rewardStep, readParts);
  }

  /**
   * One optimizer step over the batches. @throws NonFiniteError on NaN or infinity: go on from the
   * last checkpoint
   */
  async step(
    batches: readonly RolloutBatch[],
    random: () => number,
  ): Promise<{ step: number; gradNorm: number; reports: RolloutReport[] }> {
    this.denoiser.startGradient();
    const reports: RolloutReport[] = [];
    for (const batch of batches)
      reports.push(await this.#accumulate(batch, batches.length, random));
    const gradNorm = await this.replicas.update(this.options.learningRate);
    return { step: this.replicas.step, gradNorm, reports };
  }

  async close(): Promise<void> {
    await this.rewardStep.release();
    await this.denoiser.release();
    await this.replicas.release();
  }

  async #accumulate(
    batch: RolloutBatch,
    batches: number,
    random: () => number,
  ): Promise<RolloutReport> {
    const { settings, method, pipeline } = this.options;
    const plan = method.plan(this.roller.timesteps.length, random);
    const copies = method.renoised ?? 0;
    const share = 1 / (batches * (1 + copies));
    const { steps, ...ends } = await this.roller.run(batch, plan.executed);
    const final = ends[plan.image];
    const original = await this.#train(plan, steps, final, batch, share);
    const losses = [original.loss];
    for (let copy = 0; copy < copies; copy++) {
      const noiseStep = settings.steps + 2 * copy;
      const again = await renoise(this.roller, pipeline.scheduler, final, batch, noiseStep);
      const last = { ...plan, trained: [0] };
      losses.push((await this.#train(last, again.steps, again.previous, batch, share)).loss);
    }
    const loss = losses.reduce((sum, value) => sum + value, 0) / losses.length;
    return { ...original, loss, final, plan };
  }

  /** Scores a rollout and adds its gradient, its loss (a mean over images) counting `share`. */
  async #train(
    plan: RolloutPlan,
    steps: readonly RolloutStep[],
    final: Float32Array,
    { contexts, rewardFeeds }: RolloutBatch,
    share: number,
  ): Promise<Pick<RolloutReport, 'rewards' | 'rewardParts' | 'loss' | 'kl'>> {
    const { images, pipeline, method } = this.options;
    const { matched } = method;
    const scored = await this.rewardStep.run(
      {
        ...rewardFeeds,
        latents: float32([images, ...pipeline.latentShape], final),
        // A target is each image's own, however many there are.
        share: float32([], [matched ? 1 : share / images]),
      },
      {},
    );
    const read = (name: string) => outputOf(scored, name, 'float32').data;
    const rewards = finiteRewards(this.options.reward.name, read('reward'));
    const penalty =
      method.kl && method.kl.coefficient !== 0
        ? klPenalty(
            method.kl,
            this.denoiser,
            contexts,
            method.kl.bySpread ? Array.from(read('spread'), holdBySpread) : contexts.map(() => 1),
            plan.trained.length,
            share,
          )
        : undefined;
    const product = (step: RolloutStep, v: Float32Array, wanted: boolean) =>
      this.denoiser.product(step.sample, step.coefficients.timestep, contexts, v, wanted);
    const match =
      matched &&
      (await matchAdjoint(plan, steps, read('latentGradient'), share, {
        product: (step, v) => product(step, v, false),
        reference: ({ sample, coefficients: { timestep } }) =>
          this.denoiser.predict('reference', sample, timestep, contexts),
        referenceProduct: ({ sample, coefficients: { timestep } }, v) =>
          this.denoiser.referenceProduct(sample, timestep, contexts, v),
      }));
    if (!match) {
      await backPropagate(plan, steps, read('latentGradient'), {
        product,
        ...(penalty && { penalty: penalty.gradient }),
      });
    }
    const meanOf = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / images;
    const rewardParts = Object.fromEntries(
      Object.entries(this.readParts(scored)).map(([name, values]) => [name, meanOf(values)]),
    );
    const kl = penalty?.mean() ?? 0;
    return { rewards, rewardParts, loss: meanOf(read('loss')), kl, ...match };
  }
}
