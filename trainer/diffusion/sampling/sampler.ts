/**
 * @file From prompts and seeds to images with their trajectories. What comes out is a function of
 * pipeline, weights, settings, prompt and seeds alone, not of what else is sampled beside it.
 */
import { concatenated, sizeOf } from '@/trainer/graph/tensor';
import type { Engine } from '@/trainer/runtime/engine';
import { AnnealedDenoiser } from '../denoise/annealed-denoiser';
import type { Annealing } from '../denoise/annealed-guidance';
import { Denoiser, type DenoiserOptions } from '../denoise/denoiser';
import { type RgbImage, toRgb } from '../images/png';
import type { Conditioning } from '../pipelines/conditioning';
import { ImageDecoder, PromptEncoder } from '../pipelines/networks';
import type { Pipeline } from '../pipelines/pipeline';
import { takeStep } from '../schedulers/step';
import { type NoiseWindow, startingNoise, windowedNoise } from './noise';
import { type RolloutSettings, stackLatents, type Trajectory } from './trajectory';

/**
 * One image to draw. Images of one `seed` start from the same x_T; `noiseSeed` decides the noise on
 * the way.
 */
export interface SampleRequest {
  prompt: string;
  seed: number;
  noiseSeed: number;
  /** Where it has noise of its own; everywhere where left out. */
  window?: NoiseWindow;
}

export interface Sampled {
  request: SampleRequest;
  image: RgbImage;
  trajectory: Trajectory;
}

export interface SamplerOptions extends Omit<DenoiserOptions, 'guidance'> {
  settings: RolloutSettings;
  /**
   * How much of the policy counts at each step, the base counting the rest. Left out: all of it,
   * always.
   */
  annealing?: Annealing;
}

/** What gives the model's output at step `step`, counted from 0. */
interface StepDenoiser extends Pick<Denoiser, 'setPrompts' | 'release'> {
  predict(latents: Float32Array, timestep: number, step: number): Promise<Float32Array>;
}

export interface SampleOptions {
  /** Keep the guided model outputs in the trajectories. */
  keepPredictions?: boolean;
  /** Stops between two steps. */
  signal?: AbortSignal;
}

/**
 * What a rollout starts from: all images' x_T, what the UNet is told of each image's prompt, and z
 * for each step.
 */
export interface RolloutStart {
  latents: Float32Array;
  contexts: readonly Conditioning[];
  empty: Conditioning;
  noise: (step: number) => Float32Array;
}

/** All images' states x_T … x_0 and, per step, their log-probabilities and guided model outputs. */
export interface Rollout {
  timesteps: number[];
  states: Float32Array[];
  logProbabilities: (Float64Array | undefined)[];
  predictions: Float32Array[];
}

export class Sampler {
  readonly #pipeline: Pipeline;
  readonly #settings: RolloutSettings;
  readonly #images: number;
  readonly #encoder: PromptEncoder;
  readonly #denoiser: StepDenoiser;
  readonly #decoder: ImageDecoder;

  private constructor(
    pipeline: Pipeline,
    { settings, images }: SamplerOptions,
    encoder: PromptEncoder,
    denoiser: StepDenoiser,
    decoder: ImageDecoder,
  ) {
    this.#pipeline = pipeline;
    this.#settings = settings;
    this.#images = images;
    this.#encoder = encoder;
    this.#denoiser = denoiser;
    this.#decoder = decoder;
  }

  /** Loads the networks for `images` images at a time. */
  static async open(engine: Engine, pipeline: Pipeline, options: SamplerOptions): Promise<Sampler> {
    const { images, policy, annealing } = options;
    const { guidance, steps } = options.settings;
    const encoder = await PromptEncoder.open(engine, pipeline);
    const denoising = { images, guidance, policy };
    // The base mixed with itself is the base.
    const denoiser =
      annealing && policy
        ? await AnnealedDenoiser.open(engine, pipeline, annealing, steps, denoising)
        : await Denoiser.open(engine, pipeline, denoising);
    const decoder = await ImageDecoder.open(engine, pipeline, options.images);
    return new Sampler(pipeline, options, encoder, denoiser, decoder);
  }

  /** Draws the images in order, a batch at a time, giving each batch as soon as it is done. */
  async *sample(
    requests: readonly SampleRequest[],
    options: SampleOptions = {},
  ): AsyncGenerator<Sampled[], void, undefined> {
    for (let first = 0; first < requests.length; first += this.#images) {
      yield await this.#batch(requests.slice(first, first + this.#images), options);
    }
  }

  /** The steps alone, from given noise: no text, no picture. */
  async rollout(start: RolloutStart, signal?: AbortSignal): Promise<Rollout> {
    const { steps, eta } = this.#settings;
    const { scheduler } = this.#pipeline;
    await this.#denoiser.setPrompts(start.contexts, start.empty);
    const timesteps = scheduler.timesteps(steps, eta);
    const rollout: Rollout = {
      timesteps,
      states: [start.latents],
      logProbabilities: [],
      predictions: [],
    };
    let sample = start.latents;
    let before: Float32Array | undefined;
    for (const [step, timestep] of timesteps.entries()) {
      signal?.throwIfAborted();
      const predicted = this.#denoiser.predict(sample, timestep, step);
      // Made while the engine works.
      const noise = start.noise(step);
      const output = await predicted;
      const coefficients = scheduler.coefficients(timestep, steps, eta);
      const result = takeStep(coefficients, this.#images, { sample, output, noise, before });
      sample = result.previous;
      before = result.original;
      rollout.states.push(sample);
      rollout.logProbabilities.push(result.logProbabilities);
      rollout.predictions.push(output);
    }
    return rollout;
  }

  /** Pixels [images, 3, height, width] in [0, 1] of final latents. */
  decode(latents: Float32Array): Promise<Float32Array> {
    return this.#decoder.decode(latents);
  }

  async release(): Promise<void> {
    await this.#encoder.release();
    await this.#denoiser.release();
    await this.#decoder.release();
  }

  async #batch(requests: readonly SampleRequest[], options: SampleOptions): Promise<Sampled[]> {
    const size = sizeOf(this.#pipeline.latentShape);
    // The networks' shapes are fixed: a last, smaller batch repeats its first request.
    const rows = Array.from({ length: this.#images }, (_, row) => requests[row] ?? requests[0]!);
    const contexts: Conditioning[] = [];
    for (const { prompt } of rows) contexts.push(await this.#encoder.encode(prompt));
    const rollout = await this.rollout(
      {
        latents: concatenated(rows.map(({ seed }) => startingNoise(seed, size))),
        contexts,
        empty: await this.#encoder.encodeNone(),
        noise: (step) => concatenated(rows.map((row) => windowedNoise(row, step, size))),
      },
      options.signal,
    );
    const pixels = await this.decode(rollout.states.at(-1) as Float32Array);
    return requests.map((request, row) => ({
      request,
      image: this.#image(pixels, row),
      trajectory: this.#trajectory(rollout, row, request, options.keepPredictions ?? false),
    }));
  }

  #image(pixels: Float32Array, row: number): RgbImage {
    const { width, height } = this.#decoder;
    const size = 3 * width * height;
    return toRgb(pixels.subarray(row * size, (row + 1) * size), width, height);
  }

  #trajectory(
    rollout: Rollout,
    row: number,
    request: SampleRequest,
    keepPredictions: boolean,
  ): Trajectory {
    const shape = this.#pipeline.latentShape;
    const size = sizeOf(shape);
    const own = (batch: Float32Array) => batch.subarray(row * size, (row + 1) * size);
    return {
      ...request,
      settings: this.#settings,
      timesteps: rollout.timesteps,
      latents: stackLatents(rollout.states.map(own), shape),
      logProbabilities: Float64Array.from(
        rollout.logProbabilities,
        (values) => values?.[row] ?? Number.NaN,
      ),
      ...(keepPredictions && {
        predictions: stackLatents(rollout.predictions.map(own), shape),
      }),
    };
  }
}
