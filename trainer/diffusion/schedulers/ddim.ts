/**
 * @file DDIM steps with log-probabilities, as DDPO and D3PO take them (kvablack/ddpo-pytorch, yk7333/d3po,
 * `ddim_with_logprob`). One step from t to t' = max(t − ⌊N/S⌋, 0):
 *
 *   x̂0 and ε̂ from the model's output, by the prediction type
 *   σ²  = η² · (1−ᾱ_t')/(1−ᾱ_t) · (1 − ᾱ_t/ᾱ_t')
 *   μ   = √ᾱ_t' · x̂0 + √(1−ᾱ_t'−σ²) · ε̂
 *   x_t' = μ + σ·z
 *   log p(x_t' | x_t) = mean over C, H, W of  −(x_t'−μ)²/(2σ²) − ln σ − ½ ln 2π
 *
 * Because t' stops at 0, ᾱ_t' is never 1; so `set_alpha_to_one` has nothing to decide. But a step at t = 0 stays where it is:
 * its σ is 0 and x_t' = x_t. Schedules without an offset end in one (see `movingTimesteps`).
 */
import { PipelineError } from '../pipeline-error';
import { alphaBars, type ScheduleConfig, timestepsOf } from './schedule';

/** A linear combination of x_t and the model's output. */
export interface Mix {
  sample: number;
  output: number;
}

/** All that one step needs, as plain numbers: training graphs take them as inputs. */
export interface StepCoefficients {
  timestep: number;
  previousTimestep: number;
  /** ᾱ_t. */
  alphaBar: number;
  /** ᾱ_t'. */
  alphaBarPrevious: number;
  /** σ_t; 0 where η is 0. */
  sigma: number;
  /** √(1−ᾱ_t'−σ²), the factor on ε̂. */
  direction: number;
  /** x̂0 before clipping. */
  original: Mix;
  /** ε̂. */
  noise: Mix;
  /** μ without clipping: `output` is c_t of μ_θ − μ_ref = c_t·(ε_θ − ε_ref). */
  mean: Mix;
  /** Bound on |x̂0|; Infinity where the schedule does not clip. */
  clip: number;
}

export interface StepResult {
  /** x_t'. */
  previous: Float32Array;
  /** x̂0. */
  original: Float32Array;
  /** One per image; undefined where σ is 0 and the step has no density. */
  logProbabilities: Float64Array | undefined;
}

export class DdimScheduler {
  readonly config: ScheduleConfig;
  readonly #alphaBars: Float32Array;

  /** Bound on |x̂0|, Infinity for none. */
  get clip(): number {
    return this.config.clip_sample ? this.config.clip_sample_range : Number.POSITIVE_INFINITY;
  }

  constructor(config: ScheduleConfig) {
    this.config = config;
    this.#alphaBars = alphaBars(config);
  }

  /** The training steps visited by `steps` inference steps, noisiest first. */
  timesteps(steps: number): number[] {
    return timestepsOf(this.config, steps);
  }

  /**
   * Those of them, from the noisiest on, that lead to less noise. Trailing ones that do not change nothing, have no density
   * and no gradient: nothing is trained there. @throws PipelineError where none leads anywhere
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

  /** The numbers of the step from `timestep`, one of `steps`, at stochasticity `eta` (0 … 1). */
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
    const signal = r(Math.sqrt(alphaBarPrevious));
    return {
      timestep,
      previousTimestep,
      alphaBar,
      alphaBarPrevious,
      sigma,
      direction,
      original,
      noise,
      mean: {
        sample: signal * original.sample + direction * noise.sample,
        output: signal * original.output + direction * noise.output,
      },
      clip: this.clip,
    };
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

/**
 * One step for `images` images laid one after the other in `sample` (x_t), `output` (the model's, guided) and
 * `noise` (z).
 */
export function ddimStep(
  coefficients: StepCoefficients,
  images: number,
  { sample, output, noise }: { sample: Float32Array; output: Float32Array; noise: Float32Array },
): StepResult {
  const { sigma } = coefficients;
  const { mean, original } = predictedMean(coefficients, sample, output);
  const previous = mean.map((value, i) => value + sigma * (noise[i] as number));
  const logProbabilities = sigma > 0 ? logDensities(previous, mean, sigma, images) : undefined;
  return { previous, original, logProbabilities };
}

/** μ and x̂0 of a step. */
export function predictedMean(
  { original: toOriginal, noise: toNoise, alphaBarPrevious, direction, clip }: StepCoefficients,
  sample: Float32Array,
  output: Float32Array,
): { mean: Float32Array; original: Float32Array } {
  const signal = Math.sqrt(alphaBarPrevious);
  const original = new Float32Array(sample.length);
  const mean = new Float32Array(sample.length);
  for (let i = 0; i < sample.length; i++) {
    const x = sample[i] as number;
    const out = output[i] as number;
    const clean = toOriginal.sample * x + toOriginal.output * out;
    const clipped = Math.min(Math.max(clean, -clip), clip);
    original[i] = clipped;
    mean[i] = signal * clipped + direction * (toNoise.sample * x + toNoise.output * out);
  }
  return { mean, original };
}

/** ln N(x; mean, σ²) per image, averaged (not summed) over its elements. */
export function logDensities(
  x: Float32Array,
  mean: Float32Array,
  sigma: number,
  images: number,
): Float64Array {
  const size = x.length / images;
  const constant = -Math.log(sigma) - 0.5 * Math.log(2 * Math.PI);
  return Float64Array.from({ length: images }, (_, image) => {
    let squares = 0;
    for (let i = image * size; i < (image + 1) * size; i++) {
      squares += ((x[i] as number) - (mean[i] as number)) ** 2;
    }
    return -squares / size / (2 * sigma * sigma) + constant;
  });
}
