/**
 * @file DPM-Solver++(2M) on a flow: steps of second order without noise, each from x̂0 and the last
 * step's x̂0 (Lu et al., arXiv 2211.01095, Algorithm 2). With λ = ln((1−σ)/σ), h = λ' − λ of this
 * step and h₀ that of the last,
 *
 *   x_t' = σ'/σ·x_t + k·x̂0 + k·h/2h₀·(x̂0 − x̂0_before)        k = (1−σ')·(1 − e^−h)
 *
 * The first step has no history and the last, to σ' = 0, takes none. Levels and whole timesteps are
 * those of DPMSolverMultistepScheduler in huggingface/diffusers with `use_flow_sigmas`.
 */
import { type FlowConfig, shifted } from './flow-config';

export interface FlowSteps {
  /** σ of each step, and 0. */
  levels: Float32Array;
  /** What the network is told of each step. */
  timesteps: number[];
}

/** As many steps as asked for, from just short of pure noise. */
export function solverSteps({ trainingSteps, shift }: FlowConfig, steps: number): FlowSteps {
  const most = 1 - 1 / trainingSteps;
  const levels = Array.from({ length: steps }, (_, i) => shifted(most * (1 - i / steps), shift));
  return {
    levels: Float32Array.of(...levels, 0),
    timesteps: levels.map((level) => Math.floor(level * trainingSteps)),
  };
}

/** The factors on x̂0, ε̂ and the last step's x̂0 of step `index`. */
export function solverFactors(
  levels: Float32Array,
  index: number,
): { signal: number; direction: number; history: number } {
  const [level, next] = [levels[index]!, levels[index + 1]!];
  const last = index === levels.length - 2;
  if (index === 0 || last) return { signal: 1 - next, direction: next, history: 0 };
  const lambda = (at: number) => Math.log((1 - levels[at]!) / levels[at]!);
  const [before, here, there] = [lambda(index - 1), lambda(index), lambda(index + 1)];
  const [reach, lastReach] = [there - here, here - before];
  const factor = (1 - next) * (1 - Math.exp(-reach));
  const correction = (factor * reach) / (2 * lastReach);
  return {
    signal: (next / level) * (1 - level) + factor + correction,
    direction: next,
    history: -correction,
  };
}
