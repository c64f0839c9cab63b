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

/** A reward that scores images of any size, any number at a time. */
export interface Scores {
  /** One per image, in their order. */
  score(images: readonly PromptedImage[]): Promise<number[]>;
  release(): Promise<void>;
}

/** Images that are scored together. */
const together = 8;

/** Makes a reward ready to score; its network is loaded once for each size of image. */
export function openScores(engine: Engine, reward: Reward): Scores {
  const opened = new Map<string, Promise<Scorer>>();
  const scorerFor = ({ width, height }: RgbImage): Promise<Scorer> => {
    const size = sizeOf({ width, height });
    const scorer =
      opened.get(size) ?? scorerOf(reward)(engine, { images: together, width, height });
    opened.set(size, scorer);
    return scorer;
  };
  return {
    async score(images) {
      const scores = new Map<PromptedImage, number>();
      for (const size of new Set(images.map(({ image }) => sizeOf(image)))) {
        const alike = images.filter(({ image }) => sizeOf(image) === size);
        const found = await scoresBy(await scorerFor(alike[0]!.image), alike);
        for (const [i, one] of alike.entries()) scores.set(one, found[i]!);
      }
      return images.map((one) => scores.get(one)!);
    },
    async release() {
      for (const scorer of opened.values()) await (await scorer).release();
    },
  };
}

function sizeOf({ width, height }: Pick<RgbImage, 'width' | 'height'>): string {
  return `${width}×${height}`;
}

/** One score per image, in their order. */
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

/** The images are of one size. */
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
