/**
 * @file Rolling out under a policy's weights as they are now: from noise to finished latents, with
 * x_t and the guided output of every step. Reward gradients flow back through what it keeps; policy
 * gradients weigh it.
 */

import type { Conditioning } from '@/trainer/diffusion/pipelines/conditioning';
import type { RolloutSettings } from '@/trainer/diffusion/sampling/trajectory';
import type { Scheduler, StepCoefficients } from '@/trainer/diffusion/schedulers/scheduler';
import { takeStep } from '@/trainer/diffusion/schedulers/step';
import type { TrainedDenoiser } from './trained-denoiser';

/** What a rollout starts from. */
export interface RolloutOrigin {
  /** x_T of all images. */
  latents: Float32Array;
  /** Of the prompts, one per image. */
  contexts: readonly Conditioning[];
  /** z of a step, for all images; steps beyond the schedule's are those of re-noised copies. */
  noise: (step: number) => Float32Array;
}

/** A step as it was run: x_t and the model's guided output of all images. */
export interface RolloutStep {
  coefficients: StepCoefficients;
  sample: Float32Array;
  output: Float32Array;
  /** ln p(x_t' | x_t) of each image, averaged over elements; undefined where σ is 0. */
  logProbabilities: Float64Array | undefined;
}

export interface Rollout {
  /** Steps run, noisiest first. */
  steps: RolloutStep[];
  /** x after the last of them. */
  previous: Float32Array;
  /** x̂0 of the last of them. */
  original: Float32Array;
}

export interface RollerOptions {
  denoiser: Pick<TrainedDenoiser, 'predict'>;
  scheduler: Scheduler;
  settings: RolloutSettings;
  /** Images in a batch. */
  images: number;
}

export class Roller {
  /** Of the schedule's those that lead anywhere: the image is the same without the others. */
  readonly timesteps: readonly number[];

  constructor(private readonly options: RollerOptions) {
    const { steps, eta } = options.settings;
    this.timesteps = options.scheduler.movingTimesteps(steps, eta);
  }

  /** Takes the first `executed` steps from the origin. */
  async run(origin: RolloutOrigin, executed = this.timesteps.length): Promise<Rollout> {
    const steps: RolloutStep[] = [];
    let [previous, original] = [origin.latents, origin.latents];
    for (const [i, timestep] of this.timesteps.slice(0, executed).entries()) {
      const before = i > 0 ? original : undefined;
      const taken = await this.step(timestep, previous, origin.contexts, origin.noise(i), before);
      steps.push(...taken.steps);
      ({ previous, original } = taken);
    }
    return { steps, previous, original };
  }

  /** Takes one step from x_t. @param before x̂0 of the step before, if there was one */
  async step(
    timestep: number,
    sample: Float32Array,
    contexts: readonly Conditioning[],
    noise: Float32Array,
    before?: Float32Array,
  ): Promise<Rollout> {
    const { denoiser, scheduler, settings, images } = this.options;
    const coefficients = scheduler.coefficients(timestep, settings.steps, settings.eta);
    const output = await denoiser.predict('trained', sample, timestep, contexts);
    const { previous, original, logProbabilities } = takeStep(coefficients, images, {
      sample,
      output,
      noise,
      before,
    });
    return { steps: [{ coefficients, sample, output, logProbabilities }], previous, original };
  }
}
