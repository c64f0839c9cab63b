import { expect, it } from 'vitest';
import { FlowScheduler } from '@/trainer/diffusion/schedulers/flow';
import { flowConfigSchema } from '@/trainer/diffusion/schedulers/flow-config';
import { takeStep } from '@/trainer/diffusion/schedulers/step';

const sana = {
  _class_name: 'DPMSolverMultistepScheduler',
  use_flow_sigmas: true,
  prediction_type: 'flow_prediction',
  flow_shift: 3,
};
const scheduler = (config: object = {}) =>
  new FlowScheduler(flowConfigSchema.parse({ ...sana, ...config }));

/**
 * Where data is normal with this deviation, x_t stays in proportion to √((1−σ)²s² + σ²), and the
 * network would say x̂0 = (1−σ)s²x / that square.
 */
const deviation = 0.4;
const spreadAt = (level: number) => Math.hypot((1 - level) * deviation, level);

/** How far a solved path ends from where it should, from x = 1. */
function missOf(flow: FlowScheduler, steps: number): number {
  let sample: Float32Array = Float32Array.of(1);
  let before: Float32Array | undefined;
  const levels = flow
    .timesteps(steps, 0)
    .map((timestep) => -flow.coefficients(timestep, steps, 0).original.output);
  for (const [i, timestep] of flow.timesteps(steps, 0).entries()) {
    const level = levels[i]!;
    const original = ((1 - level) * deviation ** 2 * sample[0]!) / spreadAt(level) ** 2;
    const output = Float32Array.of((sample[0]! - original) / level);
    const coefficients = flow.coefficients(timestep, steps, 0);
    const taken = takeStep(coefficients, 1, { sample, output, noise: sample, before });
    [sample, before] = [taken.previous, taken.original];
  }
  return Math.abs(sample[0]! - deviation / spreadAt(levels[0]!));
}

it('comes nearer by the square of its steps, where Euler comes nearer by their number', () => {
  const [solver, euler] = [scheduler(), scheduler({ solver_order: 1 })];
  expect(missOf(solver, 40) / missOf(solver, 20)).toBeLessThan(0.35);
  expect(missOf(euler, 40) / missOf(euler, 20)).toBeGreaterThan(0.4);
  expect(missOf(solver, 40)).toBeLessThan(missOf(euler, 40) / 3);
});

it('has whole timesteps without noise, and those of flow matching with it', () => {
  const flow = scheduler();
  expect(flow.timesteps(5, 0)).toEqual([999, 922, 817, 666, 428]);
  expect(flow.timesteps(5, 0.7)[0]).toBe(1000);
  expect(flow.timesteps(5)).toEqual(flow.timesteps(5, 1));
  expect(flow.coefficients(922, 5, 0).history).toBeLessThan(0);
  expect(flow.coefficients(1000, 5, 0.7).history).toBeUndefined();
  expect(flow.text).toContain('0 for DPM-Solver++’s steps of second order');
});

it.each([
  { algorithm_type: 'sde-dpmsolver++' },
  { solver_order: 3 },
  { solver_type: 'heun' },
  { final_sigmas_type: 'sigma_min' },
  { _class_name: 'UniPCMultistepScheduler' },
])('takes Euler’s steps where a file has another solver: %j', (config) => {
  const flow = scheduler(config);
  expect(flow.timesteps(5, 0)).toEqual(flow.timesteps(5, 1));
  expect(flow.text).toContain('0 for Euler’s steps');
});

it('refuses steps so close that the network could not tell two of them apart', () => {
  const flow = scheduler({ flow_shift: 20 });
  expect(() => flow.timesteps(200, 0)).toThrow('200 inference steps are so close that two of them');
  expect(flow.timesteps(200, 1)).toHaveLength(200);
});
