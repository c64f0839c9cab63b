/**
 * @file What a `scheduler_config.json` says of flow matching, and its noise levels σ: x_t lies at σ
 * of the way from image to noise. Two kinds of file say it: those of the flow-matching classes, and
 * those of solvers that are told to solve a flow (`use_flow_sigmas`), as Sana's. Source:
 * FlowMatchEulerDiscreteScheduler in huggingface/diffusers. With noise the levels are its own for
 * both kinds: they end so close to the image that the noise of the last step cannot be seen, where
 * a solver takes one large step at the end. Without noise DPM-Solver++ keeps what it is
 * (`flow-solver.ts`).
 */
import { z } from 'zod';
import { PipelineError } from '../pipeline-error';
import { schedulerClass } from './classes';
import { only } from './schedule';

const count = z.number().int().min(1).max(100_000);
const shift = z.number().positive().max(100).default(1);
/** What the class takes null for as well. */
const number = (otherwise: number) =>
  z
    .number()
    .nullish()
    .transform((value) => value ?? otherwise);

const fileSchema = z.object({
  _class_name: z.string(),
  num_train_timesteps: count.default(1000),
  shift,
  flow_shift: shift,
  use_flow_sigmas: z.boolean().nullish(),
  prediction_type: z.string().nullish(),
  use_dynamic_shifting: z.boolean().nullish(),
  time_shift_type: z.enum(['exponential', 'linear']).default('exponential'),
  base_shift: number(0.5),
  max_shift: number(1.15),
  base_image_seq_len: number(256),
  max_image_seq_len: number(4096),
  algorithm_type: z.string().default('dpmsolver++'),
  solver_order: z.number().default(2),
  solver_type: z.string().default('midpoint'),
  final_sigmas_type: z.string().default('zero'),
  shift_terminal: z.number().min(0).lt(1).nullish(),
  use_karras_sigmas: z.boolean().nullish(),
  use_exponential_sigmas: z.boolean().nullish(),
  use_beta_sigmas: only(false, 'beta-distributed noise levels are not followed'),
  invert_sigmas: only(false, 'it goes from images to noise'),
  stochastic_sampling: only(
    false,
    'it noises every estimate of the image anew, as distilled networks want',
  ),
});

/** How a flow is stepped through. A file of a solver has one shift, whatever the image's size. */
export const flowConfigSchema = fileSchema.transform((file, context) => {
  const made = schedulerClass(file._class_name);
  if ('refused' in made) {
    context.addIssue(`${file._class_name} ${made.refused}`);
    return z.NEVER;
  }
  const isSolver = made.process === 'diffusion';
  if (isSolver && !(file.use_flow_sigmas && file.prediction_type === 'flow_prediction')) {
    context.addIssue(
      `use_flow_sigmas is ${file.use_flow_sigmas ?? false} and prediction_type ${file.prediction_type ?? 'epsilon'}: a flow is described by true and flow_prediction, and anything else by neither. Take the scheduler_config.json of the model it was made from`,
    );
  }
  if (file.use_karras_sigmas && file.use_exponential_sigmas) {
    context.addIssue(
      'use_karras_sigmas and use_exponential_sigmas exclude each other. Set one to false',
    );
  }
  return {
    name: file._class_name,
    how: isSolver ? 'another solver of the same flow' : made.followed,
    secondOrder: isSolver && isDpmSolver(file),
    trainingSteps: file.num_train_timesteps,
    shift: isSolver ? file.flow_shift : file.shift,
    dynamic: !isSolver && file.use_dynamic_shifting ? file : undefined,
    terminal: isSolver ? 0 : (file.shift_terminal ?? 0),
    spacing: spacingOf(file),
  };
});

export type FlowConfig = z.output<typeof flowConfigSchema>;

/** DPM-Solver++(2M) as most files have it; other solvers' steps are taken by Euler's. */
function isDpmSolver(file: z.output<typeof fileSchema>): boolean {
  return (
    file._class_name === 'DPMSolverMultistepScheduler' &&
    file.algorithm_type === 'dpmsolver++' &&
    file.solver_order === 2 &&
    file.solver_type === 'midpoint' &&
    file.final_sigmas_type === 'zero' &&
    spacingOf(file) === 'even'
  );
}

function spacingOf(file: z.output<typeof fileSchema>): 'even' | 'Karras' | 'exponential' {
  if (file.use_karras_sigmas) return 'Karras';
  return file.use_exponential_sigmas ? 'exponential' : 'even';
}

/**
 * How far levels are shifted towards noise, σ → s·σ / (1 + (s−1)·σ).
 * @param imageTokens of an image of the size that is drawn: larger ones are shifted further where
 * the file says so
 * @throws PipelineError where it says so and the number is not known
 */
export function shiftOf({ shift, dynamic }: FlowConfig, imageTokens: number | undefined): number {
  if (!dynamic) return shift;
  if (imageTokens === undefined) {
    throw new PipelineError(
      'scheduler_config.json shifts its noise levels by the number of image tokens (use_dynamic_shifting), but transformer/config.json does not say it by sample_size and patch_size. Export the pipeline again, or set use_dynamic_shifting to false and shift to a number.',
    );
  }
  const { base_shift: from, max_shift: to } = dynamic;
  const { base_image_seq_len: fromTokens, max_image_seq_len: toTokens } = dynamic;
  const mu = from + ((to - from) / (toTokens - fromTokens)) * (imageTokens - fromTokens);
  const found = dynamic.time_shift_type === 'linear' ? mu : Math.exp(mu);
  if (found > 0 && Number.isFinite(found)) return found;
  throw new PipelineError(
    `scheduler_config.json shifts by ${from} at ${fromTokens} image tokens and by ${to} at ${toTokens}, which for ${imageTokens} is ${found}: a shift is above 0. Take the file of the model it was made from.`,
  );
}

/** A level shifted by `shift`. */
export function shifted(level: number, shift: number): number {
  return (shift * level) / (1 + (shift - 1) * level);
}

/** The levels of so many steps, the noisiest first, and 0 at the end: one more than steps. */
export function flowLevels(config: FlowConfig, shift: number, steps: number): Float32Array {
  // Without dynamic shifting the class shifts its smallest level when it is made, and once more
  // here.
  const least = 1 / config.trainingSteps;
  const smallest = Math.fround(config.dynamic ? least : shifted(least, shift));
  const even = evenly(1, smallest, steps).map((level) => shifted(level, shift));
  const levels = spaced(config, config.terminal > 0 ? stretched(even, config.terminal) : even);
  return Float32Array.of(...levels, 0);
}

function evenly(first: number, last: number, count: number): number[] {
  const stride = count === 1 ? 0 : (last - first) / (count - 1);
  return Array.from({ length: count }, (_, i) => first + i * stride);
}

/** Moved so that the last is `terminal`; the first, pure noise, stays. */
function stretched(levels: readonly number[], terminal: number): number[] {
  const last = levels.at(-1) as number;
  if (last === 1) return [...levels];
  const scale = (1 - last) / (1 - terminal);
  return levels.map((level) => 1 - (1 - level) / scale);
}

/** The same ends, and as many between them; ρ = 7 is Karras's (arXiv 2206.00364). */
function spaced({ spacing }: FlowConfig, levels: readonly number[]): readonly number[] {
  const [first, last] = [levels[0]!, levels.at(-1) as number];
  switch (spacing) {
    case 'even':
      return levels;
    case 'Karras':
      return evenly(first ** (1 / 7), last ** (1 / 7), levels.length).map((root) => root ** 7);
    case 'exponential':
      return evenly(Math.log(first), Math.log(last), levels.length).map(Math.exp);
  }
}
