/** @file What a reward says of finished images. */

import { type RgbImage, toPlanes } from '@/trainer/diffusion/images/png';
import { concatenated } from '@/trainer/graph/tensor';
import type { Reward } from '@/trainer/rewards/reward';
import { scorerOf } from '@/trainer/rewards/scorer';
import type { Engine } from '@/trainer/runtime/engine';

export interface PromptedImage {
  prompt: string;
  image: RgbImage;
}

/** Images that are scored together. */
const together = 8;

/** One score per image, in their order. Images are of one size. */
export async function scoresOf(
  engine: Engine,
  reward: Reward,
  images: readonly PromptedImage[],
): Promise<Float32Array> {
  const [first] = images;
  if (!first) return new Float32Array();
  const { width, height } = first.image;
  const scorer = await scorerOf(reward)(engine, { images: together, width, height });
  try {
    const scores: number[] = [];
    for (let from = 0; from < images.length; from += together) {
      // A batch is always full: the first image fills it up.
      const batch = Array.from({ length: together }, (_, i) => images[from + i] ?? first);
      const { scores: found } = await scorer.score(
        concatenated(batch.map(({ image }) => toPlanes(image))),
        batch.map(({ prompt }) => prompt),
      );
      scores.push(...found.slice(0, images.length - from));
    }
    return Float32Array.from(scores);
  } finally {
    await scorer.release();
  }
}
