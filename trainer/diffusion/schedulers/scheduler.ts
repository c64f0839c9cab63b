/**
 * @file What a scheduler is to everyone else: which timesteps there are, and the numbers of a step
 * and of noising. Whether it counts noise by ᾱ or by σ stays in its own file, so methods and
 * samplers do not change with it.
 */

import type { Process } from './classes';

/** A linear combination of x_t and the model's output. */
export interface Mix {
  sample: number;
  output: number;
}

/** A linear combination of the finished latents x_0 and the noise ε. */
export interface Blend {
  original: number;
  noise: number;
}

/**
 * All that the step from x_t to x_t' needs, as plain numbers: training graphs take them as inputs.
 *
 *   x̂0 = original · (x_t, output), within ±clip        ε̂ = noise · (x_t, output)
 *   x_t' = signal·x̂0 + direction·ε̂ + sigma·z
 *
 * A solver of second order adds history · x̂0 of the step before.
 */
export interface StepCoefficients {
  timestep: number;
  previousTimestep: number;
  /** The factor on x̂0. */
  signal: number;
  /** The factor on ε̂. */
  direction: number;
  /** The noise put on; at 0 the step has no density. */
  sigma: number;
  /** The factor on the last step's x̂0; only without noise. */
  history?: number;
  /** x̂0 before clipping. */
  original: Mix;
  /** ε̂. */
  noise: Mix;
  /**
   * μ = signal·x̂0 + direction·ε̂ without clipping: `output` is c_t of μ_θ − μ_ref = c_t·(ε_θ −
   * ε_ref).
   */
  mean: Mix;
  /** Bound on |x̂0|; Infinity where the schedule does not clip. */
  clip: number;
}

/** How finished latents are noised to a timestep, and what the model should say there. */
export interface Forward {
  latents: Blend;
  target: Blend;
}

export interface Scheduler {
  readonly process: Process;
  /** What it does, in one sentence for people. */
  readonly text: string;
  /** Bound on |x̂0|, Infinity for none. */
  readonly clip: number;
  /** The model was trained on so many timesteps; none is larger. */
  readonly trainingSteps: number;
  /**
   * The timesteps that `steps` inference steps visit, noisiest first. @param eta above 0 unless
   * told; without noise other steps may be better @throws RangeError where it has not as many
   */
  timesteps(steps: number, eta?: number): number[];
  /**
   * Those of them, from the noisiest on, that lead to less noise. @throws PipelineError where none
   * does
   */
  movingTimesteps(steps: number, eta?: number): number[];
  /**
   * The numbers of the step from `timestep`, one of `steps`, at stochasticity `eta` (0 … 1): the
   * share of DDPM's noise, or the noise level of a flow's step.
   */
  coefficients(timestep: number, steps: number, eta: number): StepCoefficients;
  /** For any timestep that the network knows. */
  forward(timestep: number): Forward;
  /**
   * One to train on, as likely as it was when the network was made. @param random uniform in [0, 1)
   */
  trainingTimestep(random: () => number): number;
}
