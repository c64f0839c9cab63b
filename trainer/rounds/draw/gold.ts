/**
 * @file Gold: an image beside a spoiled copy of itself, so that the better one is known, whatever
 * the pipeline draws.
 */
import { putBlob } from '@/db/blobs/blobs';
import { derivedId } from '@/db/ids';
import type { NewPair, NewSample } from '@/db/rounds/samples';
import type { Round } from '@/db/schema/rounds';
import { encodePng, type RgbImage } from '@/trainer/diffusion/images/png';
import type { Drawn } from './draw';
import type { SamplingPlan } from './plan';
import { shuffled } from './random';

/**
 * Tiles along each side of an image, and how many of them all change places: plain to who looks,
 * not at a glance.
 */
const tilesAcross = 8;
const tilesMoved = 12;

/** Everybody may judge a gold pair: it measures people, and no round waits for it. */
const everybody = 1_000_000;

/**
 * The gold pairs of a round, spread over its prompts. Groups are tagged, not compared: they have
 * none.
 */
export function planGold(
  { id: roundId, config }: Pick<Round, 'id' | 'config'>,
  { pairs }: SamplingPlan,
): NewPair[] {
  const wanted = Math.ceil(config.labeling.goldShare * pairs.length);
  return shuffled(pairs, 'gold', roundId)
    .slice(0, wanted)
    .map((pair) => ({
      ...pair,
      id: derivedId(roundId, 'gold pair', pair.id),
      sampleBId: derivedId(roundId, 'spoiled', pair.sampleAId),
      sharedNoise: true,
      purpose: 'gold',
      goldSampleId: pair.sampleAId,
      target: everybody,
    }));
}

/**
 * The copy that must lose a gold pair, with its blob stored; nothing is trained on it and no judge
 * reads it.
 */
export async function spoiledCopy(
  { row, image }: Drawn,
  { sampleBId }: NewPair,
): Promise<NewSample> {
  return {
    ...row,
    id: sampleBId,
    imageBlob: await putBlob(encodePng(spoil(image, sampleBId))),
    trajectoryBlob: null,
    purpose: 'gold',
  };
}

/** The image with some of its tiles in each other's places. @param seed which ones */
export function spoil({ width, height, data }: RgbImage, seed: string): RgbImage {
  const [tileWidth, tileHeight] = [width, height].map((side) => Math.floor(side / tilesAcross)) as [
    number,
    number,
  ];
  const tiles = Array.from({ length: tilesAcross ** 2 }, (_, i) => i);
  const moved = shuffled(tiles, 'spoiled', seed).slice(0, tilesMoved);
  const spoiled = data.slice();
  for (const [i, tile] of moved.entries()) {
    const source = moved[(i + 1) % moved.length]!;
    for (let y = 0; y < tileHeight; y++) {
      const start = (of: number) =>
        3 *
        ((Math.floor(of / tilesAcross) * tileHeight + y) * width + (of % tilesAcross) * tileWidth);
      const from = start(source);
      spoiled.set(data.subarray(from, from + 3 * tileWidth), start(tile));
    }
  }
  return { width, height, data: spoiled };
}
