/**
 * @file One run of the noise graph: which image stands in which row, noised how, and how far the
 * policy is off there.
 */
import { denoiserFeeds } from '@/trainer/diffusion/denoise/inputs';
import { noised, spreadAt } from '@/trainer/diffusion/schedulers/noising';
import { concatenated, float32, type Tensor } from '@/trainer/graph/tensor';
import type { PipelineInputs } from '../policy/conditioning';
import type { Trainable } from '../policy/trainable';
import type { NoisedExample } from './method';

/** How an example is noised; all its images alike, unless each has noise of its own. */
export interface NoiseDraw {
  /** One that the network knows. */
  timestep: number;
  /** ε, C · H · W numbers. */
  noise: Float32Array;
  /** In its place the noise that an image came from; of each image, where it is known. */
  own?: readonly (Float32Array | undefined)[];
  /** Whether the prompt is left away. */
  withoutPrompt: boolean;
}

/** What it takes to feed the denoiser with noised images. */
export interface NoisedInputs extends PipelineInputs {
  trainable: Trainable;
}

export class NoisedRun {
  /** What the denoiser should say, [images, C, H, W]. */
  readonly target: Tensor<'float32'>;
  /** How far an error of the output moves the image that it implies, [images]. */
  readonly spread: Tensor<'float32'>;
  /**
   * `latents`, `timestep` and `context` of all places; those beyond the examples repeat the first.
   */
  readonly feeds: Record<string, Tensor>;

  constructor(
    readonly examples: readonly NoisedExample[],
    readonly draws: readonly NoiseDraw[],
    places: number,
    { trainable, scheduler, latent, context, emptyContext }: NoisedInputs,
  ) {
    const rows = Array.from({ length: places }, (_, place) => {
      const at = place < examples.length ? place : 0;
      const { images, context: prompt } = examples[at]!;
      const { timestep, noise, own, withoutPrompt } = draws[at]!;
      return images.map((image, i) => ({
        ...noised(scheduler, timestep, image, own?.[i] ?? noise),
        timestep,
        context: withoutPrompt ? emptyContext : prompt,
      }));
    }).flat();
    const dims = [rows.length, ...latent];
    this.target = float32(dims, concatenated(rows.map(({ target }) => target)));
    this.spread = float32(
      [rows.length],
      rows.map(({ timestep }) => spreadAt(scheduler, timestep)),
    );
    const shape = { images: rows.length, latent, context, guidance: 1 };
    this.feeds = denoiserFeeds(trainable.denoiser, shape, {
      latents: concatenated(rows.map(({ latents }) => latents)),
      timesteps: rows.map(({ timestep }) => timestep),
      contexts: rows.map((row) => row.context),
      emptyContext,
    });
  }
}

/**
 * mean (a − target)² − mean (b − target)² of each image of the run's examples, from two policies'
 * outputs a and b.
 */
export function excessOf(
  a: Float32Array,
  b: Float32Array,
  { target, examples }: NoisedRun,
): number[] {
  const size = target.data.length / target.dims[0]!;
  const images = examples.reduce((sum, example) => sum + example.images.length, 0);
  return Array.from({ length: images }, (_, image) => {
    let sum = 0;
    for (let i = image * size; i < (image + 1) * size; i++) {
      const [x, y] = [a[i]!, b[i]!];
      sum += (x - y) * (x + y - 2 * target.data[i]!);
    }
    return sum / size;
  });
}
