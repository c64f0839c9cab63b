/**
 * @file A policy under training: guided outputs and products backwards of a whole batch, which its
 * lanes share. Where one has room left, the vector of its product is zero there, which adds nothing
 * to a gradient.
 */
import type { Conditioning } from '@/trainer/diffusion/pipelines/conditioning';
import type { Division } from '@/trainer/runtime/lanes';
import type { DenoisePolicy } from '../policy/guided-policy';
import type { LaneDenoiser } from './lane-denoiser';

export class TrainedDenoiser {
  constructor(
    private readonly lanes: readonly LaneDenoiser[],
    private readonly division: Division,
  ) {}

  /** The next product starts the gradient afresh. */
  startGradient(): void {
    for (const lane of this.lanes) lane.startGradient();
  }

  /** Guided output for x_t of all images. @param contexts one per image */
  async predict(
    policy: DenoisePolicy | 'reference',
    latents: Float32Array,
    timestep: number,
    contexts: readonly Conditioning[],
  ): Promise<Float32Array> {
    const parts = this.lanes.map((lane, i) =>
      lane.predict(policy, this.division.share(latents, i), timestep, this.#contexts(contexts, i)),
    );
    return this.division.whole(await Promise.all(parts));
  }

  /** Adds vᵀ·∂ε̂/∂θ to the gradient; returns vᵀ·∂ε̂/∂x_t where `throughInput`. */
  async product(
    latents: Float32Array,
    timestep: number,
    contexts: readonly Conditioning[],
    v: Float32Array,
    throughInput: boolean,
  ): Promise<Float32Array | undefined> {
    const own = (batch: Float32Array, lane: number) => this.division.share(batch, lane);
    const parts = await Promise.all(
      this.lanes.map((lane, i) => {
        const texts = this.#contexts(contexts, i);
        return lane.product(own(latents, i), timestep, texts, own(v, i), throughInput);
      }),
    );
    return throughInput ? this.division.whole(parts as Float32Array[]) : undefined;
  }

  /** vᵀ·∂ε̂/∂x_t of the reference policy, ε̂ without guidance. */
  async referenceProduct(
    latents: Float32Array,
    timestep: number,
    contexts: readonly Conditioning[],
    v: Float32Array,
  ): Promise<Float32Array> {
    const own = (batch: Float32Array, lane: number) => this.division.share(batch, lane);
    const parts = this.lanes.map((lane, i) =>
      lane.referenceProduct(own(latents, i), timestep, this.#contexts(contexts, i), own(v, i)),
    );
    return this.division.whole(await Promise.all(parts));
  }

  async release(): Promise<void> {
    await Promise.all(this.lanes.map((lane) => lane.release()));
  }

  /** A lane's texts; the first stands where it has room left. */
  #contexts(contexts: readonly Conditioning[], lane: number): Conditioning[] {
    const { rows } = this.division;
    const [filler] = contexts as [Conditioning];
    return Array.from({ length: rows }, (_, row) => contexts[lane * rows + row] ?? filler);
  }
}
