/**
 * @file A policy's stored evaluation images, decoded a portion at a time and, for what compares
 * images, one by one.
 */
import { getBlob } from '@/db/blobs/blobs';
import { decodePng, type RgbImage } from '@/trainer/diffusion/images/png';
import { BoundedCache } from '../bounded-cache';
import type { DrawnImage, EvaluatedPolicy } from './images';

/** As many as a judge reads together, and a multiple of what a reward scores together. */
const portionImages = 64;
export interface StoredImage extends DrawnImage {
  id: string;
  prompt: string;
  image: RgbImage;
}

/** The images of one policy, all drawn. */
export class StoredImages {
  readonly #decoded: BoundedCache<RgbImage>;

  /**
   * @param keptBytesMax of decoded images kept for who asks again: what does not fit is decoded
   * again
   */
  constructor(
    private readonly policy: EvaluatedPolicy,
    keptBytesMax: number,
  ) {
    this.#decoded = new BoundedCache(keptBytesMax);
  }

  /** All of them in the order of their plan, a portion at a time. */
  async *portions(): AsyncGenerator<StoredImage[]> {
    const { planned } = this.policy;
    for (let first = 0; first < planned.length; first += portionImages) {
      const some = planned.slice(first, first + portionImages);
      yield await Promise.all(
        some.map(async ({ id, prompt }) => ({
          ...this.#stored(id),
          id,
          prompt,
          image: await this.image(id),
        })),
      );
    }
  }

  /** Ids by prompt, in the order of the plan. */
  byPrompt(): string[][] {
    const sets = new Map<string, string[]>();
    for (const { id, prompt } of this.policy.planned) {
      sets.set(prompt, [...(sets.get(prompt) ?? []), id]);
    }
    return [...sets.values()];
  }

  async image(id: string): Promise<RgbImage> {
    const { imageBlob } = this.#stored(id);
    return this.#decoded.get(id, async () => {
      const value = decodePng(await getBlob(imageBlob), `The image ${imageBlob}`);
      return { value, bytes: value.data.byteLength };
    });
  }

  #stored(id: string): DrawnImage {
    return this.policy.drawn.get(id) as DrawnImage;
  }
}
