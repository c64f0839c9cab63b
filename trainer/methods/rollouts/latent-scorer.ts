/**
 * @file From latents to what a reward says of their images, for methods that take it as a number.
 */
import { ImageDecoder } from '@/trainer/diffusion/pipelines/networks';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import type { OpenScorer, Scorer } from '@/trainer/rewards/scorer';
import type { Engine } from '@/trainer/runtime/engine';
import { finiteRewards } from './finite-rewards';

export class LatentScorer {
  #sums: Record<string, number> = {};
  #images = 0;

  private constructor(
    private readonly decoder: ImageDecoder,
    private readonly scorer: Scorer,
  ) {}

  /** @param images in every batch */
  static async open(
    engine: Engine,
    pipeline: Pipeline,
    images: number,
    openScorer: OpenScorer,
  ): Promise<LatentScorer> {
    const decoder = await ImageDecoder.open(engine, pipeline, images);
    const { height, width } = decoder;
    return new LatentScorer(decoder, await openScorer(engine, { images, height, width }));
  }

  /**
   * One reward per image. @param latents of all images @throws NonFiniteError where one is NaN or
   * infinite
   */
  async score(latents: Float32Array, prompts: readonly string[]): Promise<Float32Array> {
    const pixels = await this.decoder.decode(latents);
    const { scores, parts } = await this.scorer.score(pixels, prompts);
    for (const [name, values] of Object.entries(parts)) {
      this.#sums[name] = values.reduce((sum, value) => sum + value, this.#sums[name] ?? 0);
    }
    this.#images += scores.length;
    return finiteRewards(this.scorer.name, scores);
  }

  /** Of a combined reward, each term's mean over all that was scored since this was last asked. */
  takeParts(): Record<string, number> {
    const means = Object.entries(this.#sums).map(([name, sum]) => [name, sum / this.#images]);
    this.#sums = {};
    this.#images = 0;
    return Object.fromEntries(means);
  }

  async release(): Promise<void> {
    await this.scorer.release();
    await this.decoder.release();
  }
}
