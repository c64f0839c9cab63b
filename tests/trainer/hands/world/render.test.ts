import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { SKIN_NAMES, SKINS } from '@/trainer/hands/world/attributes';
import { IMAGE_SIZE } from '@/trainer/hands/world/draw';
import { renderHand, WORLD_RATES } from '@/trainer/hands/world/render';
import { drawTruth } from '@/trainer/hands/world/scene';
import { createRandom } from '@/trainer/random';

const PIXELS = IMAGE_SIZE * IMAGE_SIZE;

function share(pixels: Uint8Array, matches: (r: number, g: number, b: number) => boolean): number {
  let count = 0;
  for (let at = 0; at < pixels.length; at += 3) {
    const [r = 0, g = 0, b = 0] = pixels.subarray(at, at + 3);
    if (matches(r, g, b)) count++;
  }
  return count / PIXELS;
}

/**
 * Runs of skin along an arc around the hand's origin: what a person counts as fingers. The arc
 * starts above the thumb.
 */
function fingersOnArc(pixels: Uint8Array, radius: number, fromDegrees: number): number {
  let runs = 0;
  let inside = false;
  for (let degrees = fromDegrees; degrees <= 75; degrees += 0.5) {
    const angle = (degrees * Math.PI) / 180;
    const x = Math.round(34 + radius * Math.sin(angle));
    const y = Math.round(36 - radius * Math.cos(angle));
    const at = (y * IMAGE_SIZE + x) * 3;
    const isSkin = pixels[at]! > pixels[at + 2]! + 30;
    if (isSkin && !inside) runs++;
    inside = isSkin;
  }
  return runs;
}

describe('renderHand', () => {
  test('draws the same image for the same seed, another for another', () => {
    const hash = (seed: number) =>
      createHash('sha256').update(renderHand(seed).pixels).digest('hex');
    expect(hash(7)).toBe(hash(7));
    expect(hash(7)).not.toBe(hash(8));
    expect(hash(2 ** 40 + 7)).not.toBe(hash(7));
  });

  test('is as dirty as asked', () => {
    const truths = Array.from({ length: 5000 }, (_, seed) =>
      drawTruth(createRandom(seed), WORLD_RATES),
    );
    const deformed = truths.filter(({ fingers }) => fingers !== 5).length / truths.length;
    const bloody = truths.filter(({ blood }) => blood).length / truths.length;
    expect(Math.abs(deformed - 0.284)).toBeLessThan(0.03);
    expect(Math.abs(bloody - 0.25)).toBeLessThan(0.03);
  });

  test('blood is there when the truth says so, and only then', () => {
    const isBlood = (r: number, g: number, b: number) => r > 100 && g < 35 && b < 40;
    for (let seed = 0; seed < 20; seed++) {
      const sleeve = 'green';
      expect(share(renderHand(seed, { blood: true, sleeve }).pixels, isBlood)).toBeGreaterThan(
        0.01,
      );
      expect(share(renderHand(seed, { blood: false, sleeve }).pixels, isBlood)).toBe(0);
    }
  });

  test.each(SKIN_NAMES)('%s skin covers a good part of the image', (skin) => {
    const [r, g, b] = SKINS[skin];
    const near = (x: number, y: number, z: number) =>
      Math.abs(x - r) + Math.abs(y - g) + Math.abs(z - b) < 60;
    const { pixels } = renderHand(3, { skin, blood: false, background: 'blue', sleeve: 'green' });
    expect(share(pixels, near)).toBeGreaterThan(0.15);
  });

  test.each([3, 4, 5, 6, 7] as const)('%i fingers stand apart', (fingers) => {
    let right = 0;
    for (let seed = 0; seed < 20; seed++) {
      const { pixels } = renderHand(seed, {
        fingers,
        blood: false,
        pose: 'upright',
        thumbSide: 'left',
        skin: 'tan',
        background: 'blue',
      });
      if (fingersOnArc(pixels, 18, fingers > 5 ? -75 : -50) === fingers - 1) right++;
    }
    expect(right).toBeGreaterThanOrEqual(17);
  });

  test('refuses a seed that is no seed', () => {
    expect(() => renderHand(-1)).toThrow(/seed -1/);
  });
});
