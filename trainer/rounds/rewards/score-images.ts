/** @file What a reward says of finished images. */

import { type RgbImage, toPlanes } from '@/trainer/diffusion/images/png';
import { concatenated } from '@/trainer/graph/tensor';
import type { Reward } from '@/trainer/rewards/reward';
import { type Scorer, scorerOf } from '@/trainer/rewards/scorer';
import type { Engine } from '@/trainer/runtime/engine';

export interface PromptedImage {
  prompt: string;
  image: RgbImage;
}

/** A reward that scores images of one size, any number at a time. */
export interface Scores {
  /** One per image, in their order. */
  score(images: readonly PromptedImage[]): Promise<number[]>;
  release(): Promise<void>;
}

/** Images that are scored together. */
const together = 8;

/** Makes a reward ready to score; its network is loaded once, with the first images. */
export function openScores(engine: Engine, reward: Reward): Scores {
  let opened: Promise<Scorer> | undefined;
  return {
    async score(images) {
      const [first] = images;
      if (!first) return [];
      const { width, height } = first.image;
      opened ??= scorerOf(reward)(engine, { images: together, width, height });
      return scoresBy(await opened, images);
    },
    async release() {
      await (await opened)?.release();
    },
  };
}

/** One score per image, in their order. Images are of one size. */
export async function scoresOf(
  engine: Engine,
  reward: Reward,
  images: readonly PromptedImage[],
): Promise<Float32Array> {
  const scores = openScores(engine, reward);
  try {
    return Float32Array.from(await scores.score(images));
  } finally {
    await scores.release();
  }
}

async function scoresBy(scorer: Scorer, images: readonly PromptedImage[]): Promise<number[]> {
  const scores: number[] = [];
  for (let from = 0; from < images.length; from += together) {
    // A batch is always full: the first image fills it up.
    const batch = Array.from({ length: together }, (_, i) => images[from + i] ?? images[0]!);
    const { scores: found } = await scorer.score(
      concatenated(batch.map(({ image }) => toPlanes(image))),
      batch.map(({ prompt }) => prompt),
    );
    scores.push(...found.slice(0, images.length - from));
  }
  return scores;
}
