/**
 * @file A policy under training: guided outputs and products backwards of a whole batch. Every lane takes as many of its images
 * as any other; where they do not come out even, zeros fill the last, which add nothing to a gradient.
 */
import { concatenated, sizeOf } from '@/trainer/graph/tensor';
import type { DenoisePolicy } from '../guided-policy';
import type { LaneDenoiser } from './lane-denoiser';

export class TrainedDenoiser {
  constructor(
    private readonly lanes: readonly LaneDenoiser[],
    /** Images of a batch, and of a lane. */
    private readonly images: number,
    private readonly rows: number,
    private readonly latent: readonly number[],
  ) {}

  /** The next product starts the gradient afresh. */
  startGradient(): void {
    for (const lane of this.lanes) lane.startGradient();
  }

  /** Guided output for x_t of all images. @param contexts text embeddings, one per image */
  async predict(
    policy: DenoisePolicy | 'reference',
    latents: Float32Array,
    timestep: number,
    contexts: readonly Float32Array[],
  ): Promise<Float32Array> {
    const parts = this.lanes.map((lane, i) =>
      lane.predict(policy, this.#own(latents, i), timestep, this.#ownContexts(contexts, i)),
    );
    return this.#whole(await Promise.all(parts));
  }

  /** Adds vᵀ·∂ε̂/∂θ to the gradient; returns vᵀ·∂ε̂/∂x_t where `throughInput`. */
  async product(
    latents: Float32Array,
    timestep: number,
    contexts: readonly Float32Array[],
    v: Float32Array,
    throughInput: boolean,
  ): Promise<Float32Array | undefined> {
    const parts = await Promise.all(
      this.lanes.map((lane, i) => {
        const own = this.#ownContexts(contexts, i);
        return lane.product(this.#own(latents, i), timestep, own, this.#own(v, i), throughInput);
      }),
    );
    return throughInput ? this.#whole(parts as Float32Array[]) : undefined;
  }

  async release(): Promise<void> {
    await Promise.all(this.lanes.map((lane) => lane.release()));
  }

  #own(batch: Float32Array, lane: number): Float32Array {
    const length = this.rows * sizeOf(this.latent);
    const own = new Float32Array(length);
    own.set(batch.subarray(lane * length, (lane + 1) * length));
    return own;
  }

  #ownContexts(contexts: readonly Float32Array[], lane: number): Float32Array[] {
    const first = lane * this.rows;
    return Array.from(
      { length: this.rows },
      (_, row) => (contexts[first + row] ?? contexts[0]) as Float32Array,
    );
  }

  #whole(parts: readonly Float32Array[]): Float32Array {
    return concatenated(parts).subarray(0, this.images * sizeOf(this.latent));
  }
}
