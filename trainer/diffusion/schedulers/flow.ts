/**
 * @file Steps of flow matching. The network says the velocity v = ε − x_0 of the straight way from
 * image to noise, x_t = (1−σ)·x_0 + σ·ε (Lipman et al., arXiv 2210.02747). One step from level σ to
 * σ', with noise level a (`eta`), as Flow-GRPO takes it (Liu et al., arXiv 2505.05470;
 * yifan123/flow_grpo `sd3_sde_with_logprob.py`):
 *
 *   s²   = a² · σ/(1−σ)                     where σ = 1, the next level stands in the denominator
 *   dt   = σ' − σ < 0
 *   μ    = x_t·(1 + s²·dt/2σ) + v·(1 + s²·(1−σ)/2σ)·dt
 *   x_t' = μ + s·√−dt·z
 *   log p(x_t' | x_t) = mean over C, H, W of the density of N(μ, −s²·dt)
 *
 * With x̂0 = x_t − σ·v and ε̂ = x_t + (1−σ)·v that mean is (1−σ')·x̂0 + (σ' + s²·dt/2σ)·ε̂. Without
 * noise it is Euler's step, or that of a file's solver (`flow-solver.ts`). Levels:
 * `flow-config.ts`.
 */
import { type FlowConfig, flowLevels, shifted, shiftOf } from './flow-config';
import { type FlowSteps, solverFactors, solverSteps } from './flow-solver';
import type { Forward, Mix, Scheduler, StepCoefficients } from './scheduler';

export class FlowScheduler implements Scheduler {
  readonly process = 'flow';
  readonly clip = Number.POSITIVE_INFINITY;
  readonly #shift: number;
  readonly #steps = new Map<string, FlowSteps>();

  /** @param imageTokens of an image, which some files shift by */
  constructor(
    private readonly config: FlowConfig,
    imageTokens?: number,
  ) {
    this.#shift = shiftOf(config, imageTokens);
  }

  get text(): string {
    const { name, how, trainingSteps, dynamic, terminal, spacing, secondOrder } = this.config;
    const shift = Number(this.#shift.toPrecision(4));
    return [
      `${name}, sampled by flow matching (${how})`,
      `velocity predicted, ${trainingSteps} training steps`,
      `noise levels shifted by ${shift}${dynamic ? ' for this size' : ''}${terminal > 0 ? ` and stretched to end at ${terminal}` : ''}${spacing === 'even' ? '' : `, ${spacing} between first and last`}`,
      `eta is the noise level of a step: 0.7 in Flow-GRPO, 0 for ${secondOrder ? 'DPM-Solver++’s steps of second order, at levels of their own' : 'Euler’s steps'}`,
    ].join('; ');
  }

  get trainingSteps(): number {
    return this.config.trainingSteps;
  }

  timesteps(steps: number, eta = 1): number[] {
    return [...this.#of(steps, eta).timesteps];
  }

  movingTimesteps(steps: number, eta = 1): number[] {
    return this.timesteps(steps, eta);
  }

  coefficients(timestep: number, steps: number, eta: number): StepCoefficients {
    if (!(eta >= 0 && eta <= 1)) throw new RangeError(`eta is ${eta}: give a number from 0 to 1.`);
    const { levels, timesteps } = this.#of(steps, eta);
    const index = timesteps.indexOf(timestep);
    if (index < 0) {
      throw new RangeError(
        `Timestep ${timestep} is none of the ${steps} steps: they are at ${timesteps.join(', ')}.`,
      );
    }
    const [level, next] = [levels[index]!, levels[index + 1]!];
    const distance = level - next;
    const spread = eta ** 2 / (1 - (level === 1 ? next : level));
    const factors =
      eta === 0 && this.config.secondOrder
        ? solverFactors(levels, index)
        : { signal: 1 - next, direction: next - (spread * distance) / 2 };
    const { signal, direction } = factors;
    return {
      timestep,
      previousTimestep: timesteps[index + 1] ?? 0,
      ...factors,
      sigma: Math.sqrt(spread * level * distance),
      ...predictions(level),
      mean: { sample: signal + direction, output: (1 - level) * direction - level * signal },
      clip: this.clip,
    };
  }

  forward(timestep: number): Forward {
    const level = timestep / this.trainingSteps;
    if (!(level >= 0 && level <= 1)) {
      throw new RangeError(
        `Timestep ${timestep} is outside the flow: give a number from 0 to ${this.trainingSteps}.`,
      );
    }
    return {
      latents: { original: 1 - level, noise: level },
      target: { original: -1, noise: 1 },
    };
  }

  /**
   * Levels in the middle are drawn most often: logit-normal, then shifted (Esser et al., arXiv
   * 2403.03206, section 3.1; yifan123/flow_grpo `train_sd3_dpo.py`).
   */
  trainingTimestep(random: () => number): number {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const drawn = Math.ceil(this.trainingSteps / (1 + Math.exp(-normal)));
    const level = Math.max(drawn, 1) / this.trainingSteps;
    return Math.fround(this.trainingSteps * Math.fround(shifted(level, this.#shift)));
  }

  #of(steps: number, eta: number): FlowSteps {
    const { trainingSteps } = this.config;
    if (!Number.isInteger(steps) || steps < 1 || steps > trainingSteps) {
      throw new RangeError(
        `${steps} inference steps: give an integer between 1 and ${trainingSteps}.`,
      );
    }
    const solved = eta === 0 && this.config.secondOrder;
    const key = `${steps} ${solved}`;
    const known = this.#steps.get(key);
    if (known) return known;
    const made = solved ? solverSteps(this.config, steps) : this.#eulerSteps(steps);
    if (new Set(made.timesteps).size < steps) {
      throw new RangeError(
        `${steps} inference steps are so close that two of them have one timestep: take fewer.`,
      );
    }
    this.#steps.set(key, made);
    return made;
  }

  /** The network is told N·σ in single precision. */
  #eulerSteps(steps: number): FlowSteps {
    const levels = flowLevels(this.config, this.#shift, steps);
    const { trainingSteps } = this.config;
    const timesteps = Array.from(levels.subarray(0, steps), (level) =>
      Math.fround(level * trainingSteps),
    );
    return { levels, timesteps };
  }
}

/** x̂0 and ε̂ from x_t and the velocity at a level. */
function predictions(level: number): { original: Mix; noise: Mix } {
  return {
    original: { sample: 1, output: -level },
    noise: { sample: 1, output: 1 - level },
  };
}
