/**
 * @file The noise schedule of a pipeline's `scheduler_config.json`: ᾱ per training step, and which
 * steps to visit. Source: DDIMScheduler in huggingface/diffusers. Sums and roots are rounded to
 * float32 where PyTorch's are, since 1 − ᾱ_t/ᾱ_t' loses three digits between neighbouring steps.
 */
import { z } from 'zod';
import { PipelineError } from '../pipeline-error';
import { classDefaultsOf, schedulerClass } from './classes';

const round32 = Math.fround;

const followable = 'Take the scheduler_config.json of the model it was made from, or a DDIM one';

/** A key whose one other value would make it another process. */
export const only = <T extends string | boolean>(value: T, why: string) =>
  z.literal(value, `${why}. ${followable}`).nullish();

const fileSchema = z.object({
  _class_name: z
    .string()
    .default('DDIMScheduler')
    .superRefine((name, context) => {
      const made = schedulerClass(name);
      if ('refused' in made) {
        context.addIssue(`${name} ${made.refused}: DDIM cannot follow it. ${followable}`);
      }
    }),
  num_train_timesteps: z.number().int().min(1).max(100_000).default(1000),
  beta_start: z.number().positive().lt(1).optional(),
  beta_end: z.number().positive().lt(1).optional(),
  beta_schedule: z
    .enum(['linear', 'scaled_linear', 'squaredcos_cap_v2'], {
      error: ({ input }) =>
        `${input} betas are not followed: linear, scaled_linear and squaredcos_cap_v2 are. ${followable}`,
    })
    .default('linear'),
  trained_betas: z.array(z.number().positive().lt(1)).nullish(),
  timestep_spacing: z.enum(['leading', 'trailing', 'linspace']).optional(),
  steps_offset: z.number().int().nonnegative().default(0),
  prediction_type: z
    .enum(['epsilon', 'v_prediction', 'sample'], {
      error: ({ input }) =>
        `${input} is nothing that DDIM can step with: it takes epsilon, v_prediction or sample. ${followable}`,
    })
    .default('epsilon'),
  rescale_betas_zero_snr: z.boolean().default(false),
  clip_sample: z.boolean().nullish(),
  clip_sample_range: z.number().positive().default(1),
  thresholding: only(false, 'dynamic thresholding is for pixels, not for latents'),
  timestep_type: only('discrete', 'the UNet takes the logarithm of σ instead of training steps'),
  use_karras_sigmas: z.boolean().nullish(),
  use_exponential_sigmas: z.boolean().nullish(),
  use_beta_sigmas: z.boolean().nullish(),
  use_lu_lambdas: z.boolean().nullish(),
});

/**
 * What the file may say; what it leaves out is its class's default in diffusers. But for
 * `clip_sample`, which only DDIM and its kin write: their default bounds x̂0 to ±1, where pixels
 * lie and latents do not. Other keys are ignored, `set_alpha_to_one` among them (see ddim.ts).
 */
export const scheduleConfigSchema = fileSchema.transform((file) => ({
  ...classDefaultsOf(file._class_name),
  ...file,
  clip_sample: file.clip_sample ?? false,
}));

export type ScheduleConfig = z.output<typeof scheduleConfigSchema>;

const ownLevels = {
  use_karras_sigmas: 'Karras',
  use_exponential_sigmas: 'exponential',
  use_beta_sigmas: 'beta-distributed',
  use_lu_lambdas: 'Lu’s',
} as const;

/** What is made of a scheduler file, in one sentence for people. */
export function scheduleText(config: ScheduleConfig): string {
  const { _class_name: name, clip_sample, clip_sample_range: range } = config;
  const made = schedulerClass(name);
  const how = 'followed' in made ? made.followed : made.refused;
  const levels = Object.entries(ownLevels).find(([key]) => config[key as keyof typeof ownLevels]);
  const betas = config.trained_betas
    ? 'betas as listed'
    : `${config.beta_schedule} betas from ${config.beta_start} to ${config.beta_end}`;
  return [
    `${name}, sampled by DDIM (${how})`,
    `${config.num_train_timesteps} training steps, ${betas}${config.rescale_betas_zero_snr ? ', rescaled to end in pure noise' : ''}`,
    `${config.prediction_type} predicted`,
    `steps spaced ${config.timestep_spacing}${config.timestep_spacing === 'leading' ? ` with offset ${config.steps_offset}` : ''}${levels ? `, not by ${levels[1]} noise levels` : ''}`,
    clip_sample ? `the image estimate is clipped to ±${range}` : 'nothing is clipped',
    ...(likeTurbo(config) ? [turbo] : []),
  ].join('; ');
}

const turbo =
  'turbo models come with such a file: draw those in 1 to 4 steps at eta 1 and guidance scale 1, and expect training to make them need more';

/**
 * Nothing in a pipeline says that its UNet is distilled, but the file of SD-Turbo and SDXL-Turbo is
 * like few others.
 */
function likeTurbo({ _class_name: name, timestep_spacing, prediction_type }: ScheduleConfig) {
  return /^Euler/.test(name) && timestep_spacing === 'trailing' && prediction_type === 'epsilon';
}

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

/**
 * Shifts √ᾱ so that the last step is pure noise, and scales it so that the first stays (arXiv
 * 2305.08891).
 */
function withoutTerminalSignal(bars: Float32Array): Float32Array {
  const roots = bars.map(Math.sqrt);
  const first = roots[0]!;
  const last = roots.at(-1) as number;
  return roots.map((root) => ((root - last) * (first / (first - last))) ** 2);
}

function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
