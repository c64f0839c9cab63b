import { describe, expect, it } from 'vitest';
import { placeOf, transformFor } from '@/app/label/closer/place';

const image = { width: 512, height: 512 };
const half = { width: 600, height: 700 };
const whole = { width: 1204, height: 700 };

describe('a place in an image', () => {
  it('is its middle where the image just fits', () => {
    expect(placeOf({ x: 0, y: 0, scale: 1 }, half, image)).toEqual({
      magnification: 600 / 512,
      across: 256,
      down: 256,
    });
  });

  it('is the same in a pane of another shape', () => {
    const seen = placeOf({ x: -900, y: -1200, scale: 3 }, half, image);
    const there = transformFor(seen, whole, image);
    const again = placeOf(there, whole, image);
    expect(again.magnification).toBeCloseTo(seen.magnification, 9);
    expect(again.across).toBeCloseTo(seen.across, 6);
    expect(again.down).toBeCloseTo(seen.down, 6);
    expect(transformFor(seen, half, image)).toEqual({
      x: expect.closeTo(-900, 6),
      y: expect.closeTo(-1200, 6),
      scale: expect.closeTo(3, 9),
    });
  });

  it('never leaves the content, and an image smaller than its pane stands in the middle', () => {
    const corner = { magnification: 4, across: 0, down: 512 };
    const { x, y, scale } = transformFor(corner, half, image);
    expect(x).toBe(0);
    expect(y).toBeCloseTo(700 * (1 - scale), 9);
    expect(transformFor({ magnification: 1, across: 0, down: 0 }, half, image)).toEqual({
      x: expect.closeTo((600 - 512) / 2, 9),
      y: expect.closeTo((700 - (700 * 512) / 600) / 2, 9),
      scale: expect.closeTo(512 / 600, 9),
    });
  });
});
