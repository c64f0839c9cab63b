/**
 * @file How a sample came to be: its latents from noise to image, kept so that training can weigh
 * every step.
 */
import { z } from 'zod';
import { numbersOf } from '@/trainer/graph/numbers';
import { expectDtype, float32, int64, type Tensor, tensor } from '@/trainer/graph/tensor';
import {
  parseSafetensors,
  SafetensorsError,
  serializeSafetensors,
} from '../../formats/safetensors';

/** The settings that sampling and training must share, else the first ratio is not 1. */
export interface RolloutSettings {
  steps: number;
  /** Stochasticity, 0 … 1. */
  eta: number;
  /** Classifier-free guidance scale; 1 is none. */
  guidance: number;
}

/** One image's path. Latents are [steps + 1, channels, height, width], from x_T to x_0. */
export interface Trajectory {
  prompt: string;
  seed: number;
  noiseSeed: number;
  settings: RolloutSettings;
  timesteps: number[];
  latents: Tensor<'float32'>;
  /** ln p(x_t' | x_t) of each step, averaged over elements; NaN where eta is 0. */
  logProbabilities: Float64Array;
  /**
   * The guided model outputs of each step [steps, channels, height, width], if they were asked for.
   */
  predictions?: Tensor<'float32'>;
}

const noteSchema = z.object({
  prompt: z.string(),
  seed: z.number().int(),
  noiseSeed: z.number().int(),
  settings: z.object({ steps: z.number().int().min(1), eta: z.number(), guidance: z.number() }),
});

const format = 'darkroom-trajectory-1';
/** What is left of a trajectory once its round is done. */
const finishedFormat = 'darkroom-finished-latents-1';

/** The trajectory as a safetensors file. */
export function serializeTrajectory(trajectory: Trajectory): Uint8Array {
  const { prompt, seed, noiseSeed, settings, timesteps, latents, logProbabilities } = trajectory;
  const tensors = new Map<string, Tensor>([
    ['latents', latents],
    ['timesteps', timestepTensor(timesteps)],
    ['log_probabilities', tensor('float64', [logProbabilities.length], logProbabilities)],
  ]);
  if (trajectory.predictions) tensors.set('predictions', trajectory.predictions);
  const sample = JSON.stringify({ prompt, seed, noiseSeed, settings });
  return serializeSafetensors(tensors, { format, sample });
}

/** Reads what `serializeTrajectory` wrote; `source` is the name for errors. */
export function parseTrajectory(bytes: Uint8Array, source: string): Trajectory {
  const { tensors, metadata } = parseSafetensors(bytes, source);
  const refuse = (what: string): never => {
    throw new SafetensorsError(`${source} ${what} Sample the image again.`);
  };
  if (metadata.format === finishedFormat) {
    throw new SafetensorsError(
      `${source} is no longer whole: of a round that is over only the finished latents are kept. Start a new round, or set sampling.keepTrajectories to days or always before you draw.`,
    );
  }
  if (metadata.format !== format) refuse(`is no trajectory of format ${format}.`);
  const note = parseNote(metadata.sample ?? '') ?? refuse('does not say what it is a sample of.');
  const named = (name: string) => tensors.get(name) ?? refuse(`lacks "${name}".`);
  const latents = expectDtype(named('latents'), 'float32', `"latents" of ${source}`);
  const timesteps = numbersOf(named('timesteps'));
  const densities = expectDtype(named('log_probabilities'), 'float64', `Densities of ${source}`);
  const steps = note.settings.steps;
  const shape = latents.dims.slice(1);
  const predictions = tensors.get('predictions');
  const fits =
    latents.dims.length === 4 &&
    latents.dims[0] === steps + 1 &&
    timesteps.length === steps &&
    densities.data.length === steps &&
    (!predictions || predictions.dims.join() === [steps, ...shape].join());
  if (!fits) refuse(`does not hold ${steps} steps.`);
  return {
    ...note,
    timesteps: [...timesteps],
    latents,
    logProbabilities: densities.data,
    ...(predictions && { predictions: expectDtype(predictions, 'float32', 'Predictions') }),
  };
}

/** Those of a flow are no whole numbers. */
function timestepTensor(timesteps: readonly number[]): Tensor {
  return timesteps.every(Number.isInteger)
    ? int64([timesteps.length], timesteps)
    : tensor('float64', [timesteps.length], Float64Array.from(timesteps));
}

function parseNote(text: string): z.output<typeof noteSchema> | undefined {
  try {
    return noteSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/**
 * What is kept of a trajectory once its round is done: x_0 in float32 [channels, height, width],
 * and what it is a sample of.
 */
export function serializeFinished(trajectory: Trajectory): Uint8Array {
  const { prompt, seed, noiseSeed, settings, timesteps, latents } = trajectory;
  const finished = float32(latents.dims.slice(1), latentsAt(trajectory, timesteps.length).slice());
  const sample = JSON.stringify({ prompt, seed, noiseSeed, settings });
  return serializeSafetensors(new Map([['latents', finished]]), { format: finishedFormat, sample });
}

/**
 * x_0 [channels · height · width] of a trajectory, or of what is kept of one; `source` is the name
 * for errors.
 */
export function parseFinished(bytes: Uint8Array, source: string): Float32Array {
  if (isFinished(bytes)) {
    const latents = parseSafetensors(bytes, source).tensors.get('latents');
    if (!latents) throw new SafetensorsError(`${source} lacks "latents". Sample the image again.`);
    return expectDtype(latents, 'float32', `"latents" of ${source}`).data.slice();
  }
  const trajectory = parseTrajectory(bytes, source);
  // A copy: the rest of the trajectory need not stay in memory.
  return latentsAt(trajectory, trajectory.timesteps.length).slice();
}

/** Whether of a trajectory only x_0 is left. The format stands in the header, before any tensor. */
export function isFinished(bytes: Uint8Array): boolean {
  const head = new TextDecoder().decode(bytes.subarray(8, 8 + 256));
  return head.includes(`"format":"${finishedFormat}"`);
}

/** Latents of one step [channels · height · width], sharing memory; 0 is x_T. */
export function latentsAt(trajectory: Trajectory, step: number): Float32Array {
  const { data, dims } = trajectory.latents;
  const size = data.length / dims[0]!;
  return data.subarray(step * size, (step + 1) * size);
}

/** A trajectory's latents from the states of its steps. */
export function stackLatents(states: readonly Float32Array[], shape: readonly number[]) {
  const size = states[0]?.length ?? 0;
  const data = new Float32Array(states.length * size);
  for (const [step, state] of states.entries()) data.set(state, step * size);
  return float32([states.length, ...shape], data);
}
