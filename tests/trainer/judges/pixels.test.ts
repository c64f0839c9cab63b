import { describe, expect, it } from 'vitest';
import { distinct, enlarged } from '@/trainer/judges/boxes';
import { resized } from '@/trainer/judges/pixels';

/** A row of grey levels, once for each of the channels. */
function row(...levels: number[]) {
  return {
    width: levels.length,
    height: 1,
    data: Uint8Array.from(levels.flatMap((v) => [v, v, v])),
  };
}

const firstRow = (planes: Float32Array, size: number) =>
  Array.from(planes.subarray(0, size), (value) => Math.round(value * 255));

describe('resized as TensorFlow does', () => {
  // tf.image.resizeBilinear([0, 30, 60, 90], 3, alignCorners) and the same without it, in 4.22.
  it.each([
    ['corners' as const, 3, [0, 45, 90]],
    ['edges' as const, 3, [0, 40, 80]],
    ['corners' as const, 7, [0, 15, 30, 45, 60, 75, 90]],
    ['edges' as const, 8, [0, 15, 30, 45, 60, 75, 90, 90]],
  ])('%s to %i', (placing, size, expected) => {
    expect(firstRow(resized(row(0, 30, 60, 90), size, placing), size)).toEqual(expected);
  });

  it('a part, and black beyond the image', () => {
    const box = { top: 0, left: -1, bottom: 0, right: 1 };
    expect(firstRow(resized(row(60, 90, 120), 5, 'corners', box), 5)).toEqual([0, 0, 60, 90, 120]);
  });
});

describe('boxes', () => {
  const box = (left: number, score: number) => ({
    box: { top: 0, left, bottom: 1, right: left + 1 },
    score,
  });

  it('of one thing are one, the best', () => {
    const kept = distinct([box(0.1, 0.7), box(0, 0.9), box(3, 0.5), box(0.9, 0.6)], 0.2, 4);
    expect(kept.map(({ score }) => score)).toEqual([0.9, 0.6, 0.5]);
    expect(distinct([box(0, 0.9), box(3, 0.5)], 0.2, 1)).toHaveLength(1);
  });

  it('grow about their middle', () => {
    expect(enlarged({ top: 0, left: 0, bottom: 1, right: 2 }, 2)).toEqual({
      top: -0.5,
      left: -1,
      bottom: 1.5,
      right: 3,
    });
  });
});
