/**
 * @file The noise schedule of a pipeline's `scheduler_config.json`: ᾱ per training step, and which steps to visit.
 * Source: DDIMScheduler in huggingface/diffusers. Sums and roots are rounded to float32 where PyTorch's are, since
 * 1 − ᾱ_t/ᾱ_t' loses three digits between neighbouring steps.
 */
import { z } from 'zod';
import { PipelineError } from '../files';

const round32 = Math.fround;

/** What the file may say; what it leaves out is DDIM's default in diffusers. Other keys are ignored. */
export const scheduleConfigSchema = z.object({
  _class_name: z
    .string()
    .default('DDIMScheduler')
    .refine((name) => !/FlowMatch|Karras|EDM|Consistency/.test(name), {
      message: 'is no schedule that DDIM can follow; take a DDIM, PNDM or DDPM scheduler',
    }),
  num_train_timesteps: z.number().int().min(1).max(100_000).default(1000),
  beta_start: z.number().positive().lt(1).default(0.0001),
  beta_end: z.number().positive().lt(1).default(0.02),
  beta_schedule: z.enum(['linear', 'scaled_linear', 'squaredcos_cap_v2']).default('linear'),
  trained_betas: z.array(z.number().positive().lt(1)).nullish(),
  timestep_spacing: z.enum(['leading', 'trailing', 'linspace']).default('leading'),
  steps_offset: z.number().int().nonnegative().default(0),
  prediction_type: z.enum(['epsilon', 'v_prediction', 'sample']).default('epsilon'),
  rescale_betas_zero_snr: z.boolean().default(false),
  clip_sample: z.boolean().default(true),
  clip_sample_range: z.number().positive().default(1),
  thresholding: z
    .literal(false, 'dynamic thresholding is not supported; set it to false')
    .default(false),
});

export type ScheduleConfig = z.output<typeof scheduleConfigSchema>;

/** ᾱ_t for t = 0 … N−1. */
export function alphaBars(config: ScheduleConfig): Float32Array {
  const alphas = betas(config).map((beta) => 1 - beta);
  if (!config.rescale_betas_zero_snr) return cumulativeProduct(alphas);
  if (config.prediction_type === 'epsilon') {
    throw new PipelineError(
      'rescale_betas_zero_snr leaves no signal at the first step, from which noise predictions cannot start: use v_prediction.',
    );
  }
  return withoutTerminalSignal(cumulativeProduct(alphas));
}

/**
 * The training steps that `steps` inference steps visit, from the noisiest to the cleanest.
 * Throws when there are more inference than training steps.
 */
export function timestepsOf(config: ScheduleConfig, steps: number): number[] {
  const { num_train_timesteps: total, timestep_spacing: spacing, steps_offset: offset } = config;
  if (!Number.isInteger(steps) || steps < 1 || steps > total) {
    throw new RangeError(`${steps} inference steps: give an integer between 1 and ${total}.`);
  }
  const indices = Array.from({ length: steps }, (_, i) => i);
  switch (spacing) {
    case 'leading': {
      const stride = Math.floor(total / steps);
      // An offset would push the first step past the end when the stride is 1.
      return indices.map((i) => Math.min(i * stride + offset, total - 1)).reverse();
    }
    case 'trailing':
      return indices.map((i) => roundHalfEven(total - (i * total) / steps) - 1);
    case 'linspace': {
      const stride = steps === 1 ? 0 : (total - 1) / (steps - 1);
      return indices.map((i) => roundHalfEven(i * stride)).reverse();
    }
  }
}

function betas(config: ScheduleConfig): Float32Array {
  const { beta_start: start, beta_end: end, num_train_timesteps: total } = config;
  if (config.trained_betas) {
    if (config.trained_betas.length === total) return Float32Array.from(config.trained_betas);
    throw new PipelineError(
      `scheduler_config.json lists ${config.trained_betas.length} trained_betas for ${total} training steps: they must be as many.`,
    );
  }
  switch (config.beta_schedule) {
    case 'linear':
      return linspace(start, end, total);
    case 'scaled_linear':
      return linspace(Math.sqrt(start), Math.sqrt(end), total).map((root) => root * root);
    case 'squaredcos_cap_v2': {
      const signal = (t: number) => Math.cos((((t / total + 0.008) / 1.008) * Math.PI) / 2) ** 2;
      return Float32Array.from({ length: total }, (_, t) =>
        Math.min(1 - signal(t + 1) / signal(t), 0.999),
      );
    }
  }
}

/** Evenly spaced, computed from both ends as PyTorch does. */
function linspace(start: number, end: number, count: number): Float32Array {
  const [first, last] = [round32(start), round32(end)];
  const step = round32((last - first) / Math.max(count - 1, 1));
  return Float32Array.from({ length: count }, (_, i) =>
    i < count / 2 ? first + step * i : last - step * (count - 1 - i),
  );
}

function cumulativeProduct(values: Float32Array): Float32Array {
  let product = 1;
  return values.map((value) => {
    product *= value;
    return product;
  });
}

/** Shifts √ᾱ so that the last step is pure noise, and scales it so that the first stays (arXiv 2305.08891). */
function withoutTerminalSignal(bars: Float32Array): Float32Array {
  const roots = bars.map(Math.sqrt);
  const first = roots[0] as number;
  const last = roots.at(-1) as number;
  return roots.map((root) => ((root - last) * (first / (first - last))) ** 2);
}

function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
