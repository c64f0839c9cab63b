/**
 * @file Two policies in one denoiser: the base and one that was tuned from it, mixed anew at each
 * step of sampling.
 */
import type { Engine } from '@/trainer/runtime/engine';
import type { Conditioning } from '../pipelines/conditioning';
import type { Pipeline } from '../pipelines/pipeline';
import { type Annealing, tunedWeights } from './annealed-guidance';
import { Denoiser, type DenoiserOptions } from './denoiser';

/**
 * Holds the denoisers that a schedule needs: one for `base` and `draft`, else two, and their
 * memory. A step whose weight is 0 or 1 runs one of them, any other step both.
 */
export class AnnealedDenoiser {
  private constructor(
    private readonly weights: readonly number[],
    private readonly base: Denoiser | undefined,
    private readonly tuned: Denoiser | undefined,
  ) {}

  /** @param options `policy` is the tuned one */
  static async open(
    engine: Engine,
    pipeline: Pipeline,
    annealing: Annealing,
    steps: number,
    options: DenoiserOptions,
  ): Promise<AnnealedDenoiser> {
    const weights = tunedWeights(annealing, steps);
    const { policy: _, ...ofBase } = options;
    return new AnnealedDenoiser(
      weights,
      weights.some((weight) => weight < 1)
        ? await Denoiser.open(engine, pipeline, ofBase)
        : undefined,
      weights.some((weight) => weight > 0)
        ? await Denoiser.open(engine, pipeline, options)
        : undefined,
    );
  }

  async setPrompts(contexts: readonly Conditioning[], empty: Conditioning): Promise<void> {
    await this.base?.setPrompts(contexts, empty);
    await this.tuned?.setPrompts(contexts, empty);
  }

  /** The mixed guided output for x_t of all images at step `step`, counted from 0. */
  async predict(latents: Float32Array, timestep: number, step: number): Promise<Float32Array> {
    const weight = this.weights[step]!;
    const base = weight < 1 ? await this.base?.predict(latents, timestep) : undefined;
    const tuned = weight > 0 ? await this.tuned?.predict(latents, timestep) : undefined;
    if (base && tuned) {
      return base.map((value, i) => (1 - weight) * value + weight * tuned[i]!);
    }
    return (base ?? tuned) as Float32Array;
  }

  async release(): Promise<void> {
    await this.base?.release();
    await this.tuned?.release();
  }
}
