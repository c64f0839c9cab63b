/**
 * @file DDIM steps with log-probabilities, as DDPO and D3PO take them (kvablack/ddpo-pytorch,
 * yk7333/d3po, `ddim_with_logprob`). One step from t to t' = max(t − ⌊N/S⌋, 0):
 *
 *   x̂0 and ε̂ from the model's output, by the prediction type
 *   σ²  = η² · (1−ᾱ_t')/(1−ᾱ_t) · (1 − ᾱ_t/ᾱ_t')
 *   μ   = √ᾱ_t' · x̂0 + √(1−ᾱ_t'−σ²) · ε̂
 *   x_t' = μ + σ·z
 *   log p(x_t' | x_t) = mean over C, H, W of  −(x_t'−μ)²/(2σ²) − ln σ − ½ ln 2π
 *
 * Because t' stops at 0, ᾱ_t' is never 1; so `set_alpha_to_one` has nothing to decide. But a step
 * at t = 0 stays where it is: its σ is 0 and x_t' = x_t. Schedules without an offset end in one
 * (see `movingTimesteps`).
 */
import { PipelineError } from '../pipeline-error';
import { alphaBars, type ScheduleConfig, scheduleText, timestepsOf } from './schedule';
import type { Forward, Mix, Scheduler, StepCoefficients } from './scheduler';

export class DdimScheduler implements Scheduler {
  readonly process = 'diffusion';
  readonly config: ScheduleConfig;
  readonly #alphaBars: Float32Array;

  get text(): string {
    return scheduleText(this.config);
  }

  get trainingSteps(): number {
    return this.config.num_train_timesteps;
  }

  get clip(): number {
    return this.config.clip_sample ? this.config.clip_sample_range : Number.POSITIVE_INFINITY;
  }

  constructor(config: ScheduleConfig) {
    this.config = config;
    this.#alphaBars = alphaBars(config);
  }

  /**
   * @throws RangeError also where the one step there is would start from a nearly finished image
   */
  timesteps(steps: number): number[] {
    const timesteps = timestepsOf(this.config, steps);
    const { timestep_spacing: spacing, num_train_timesteps: total } = this.config;
    if (steps > 1 || spacing === 'trailing' || total === 1) return timesteps;
    throw new RangeError(
      `With timesteps spaced ${spacing}, 1 inference step is at t = ${timesteps[0]}, where hardly any noise is. Take more inference steps, or a scheduler_config.json whose timestep_spacing is trailing.`,
    );
  }

  /**
   * Trailing steps that change nothing have no density and no gradient: nothing is trained there.
   */
  movingTimesteps(steps: number): number[] {
    const all = this.timesteps(steps);
    const still = all.findIndex((timestep) => !(this.coefficients(timestep, steps, 1).sigma > 0));
    if (still === 0) {
      throw new PipelineError(
        `The scheduler's first of ${steps} inference steps, at t = ${all[0]}, stays at its noise level: there is no step to train. Take fewer inference steps, or a scheduler_config.json with other betas.`,
      );
    }
    return still === -1 ? all : all.slice(0, still);
  }

  /** ᾱ at a training step. */
  alphaBar(timestep: number): number {
    const value = this.#alphaBars[timestep];
    if (value !== undefined) return value;
    throw new RangeError(
      `Timestep ${timestep} is outside the schedule: give an integer between 0 and ${this.#alphaBars.length - 1}.`,
    );
  }

  coefficients(timestep: number, steps: number, eta: number): StepCoefficients {
    if (!(eta >= 0 && eta <= 1)) throw new RangeError(`eta is ${eta}: give a number from 0 to 1.`);
    const r = Math.fround;
    const stride = Math.floor(this.config.num_train_timesteps / steps);
    const previousTimestep = Math.max(timestep - stride, 0);
    const alphaBar = this.alphaBar(timestep);
    const alphaBarPrevious = this.alphaBar(previousTimestep);
    const beta = r(1 - alphaBar);
    const betaPrevious = r(1 - alphaBarPrevious);
    const variance = r(r(betaPrevious / beta) * r(1 - r(alphaBar / alphaBarPrevious)));
    const sigma = r(eta * r(Math.sqrt(variance)));
    const direction = r(Math.sqrt(Math.max(r(betaPrevious - r(sigma * sigma)), 0)));
    const { original, noise } = this.#predictions(r(Math.sqrt(alphaBar)), r(Math.sqrt(beta)));
    const rounded = r(Math.sqrt(alphaBarPrevious));
    return {
      timestep,
      previousTimestep,
      signal: Math.sqrt(alphaBarPrevious),
      direction,
      sigma,
      original,
      noise,
      mean: {
        sample: rounded * original.sample + direction * noise.sample,
        output: rounded * original.output + direction * noise.output,
      },
      clip: this.clip,
    };
  }

  /**
   * x_t = √ᾱ_t · x_0 + √(1−ᾱ_t) · ε, and as target ε, x_0, or v = √ᾱ_t · ε − √(1−ᾱ_t) · x_0, by the
   * prediction type. Ho et al. (arXiv 2006.11239), Eq. 4; Salimans & Ho (arXiv 2202.00512),
   * appendix D.
   */
  forward(timestep: number): Forward {
    const alphaBar = this.alphaBar(timestep);
    const [signal, spread] = [Math.sqrt(alphaBar), Math.sqrt(1 - alphaBar)];
    const targets = {
      epsilon: { original: 0, noise: 1 },
      sample: { original: 1, noise: 0 },
      v_prediction: { original: -spread, noise: signal },
    };
    return {
      latents: { original: signal, noise: spread },
      target: targets[this.config.prediction_type],
    };
  }

  /** All are as likely. */
  trainingTimestep(random: () => number): number {
    return Math.floor(random() * this.trainingSteps);
  }

  /** x̂0 and ε̂ from x_t and the output, given √ᾱ_t and √(1−ᾱ_t). */
  #predictions(signal: number, spread: number): { original: Mix; noise: Mix } {
    switch (this.config.prediction_type) {
      case 'epsilon':
        return {
          original: { sample: 1 / signal, output: -spread / signal },
          noise: { sample: 0, output: 1 },
        };
      case 'sample':
        return {
          original: { sample: 0, output: 1 },
          noise: { sample: 1 / spread, output: -signal / spread },
        };
      case 'v_prediction':
        return {
          original: { sample: signal, output: -spread },
          noise: { sample: spread, output: signal },
        };
    }
  }
}
