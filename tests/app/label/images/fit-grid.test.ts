import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitGrid } from '@/app/label/images/fit-grid';

const gridIn = (width: number, height: number, count: number, aspect = 1) =>
  fitGrid({ room: { width, height }, count, aspect, gap: 8, widthMin: 112, widthMax: 544 });

describe('fitGrid', () => {
  it('takes the shape of the room', () => {
    expect(gridIn(1200, 300, 4).columns).toBe(4);
    expect(gridIn(600, 600, 4)).toEqual({ columns: 2, width: 296, height: 296 });
    expect(gridIn(300, 1300, 4).columns).toBe(1);
    expect(gridIn(1200, 560, 16).columns).toBe(6);
    expect(gridIn(600, 600, 9).columns).toBe(3);
  });

  it('follows the shape of the images', () => {
    expect(gridIn(1200, 600, 4, 0.5)).toEqual({ columns: 4, width: 294, height: 588 });
    expect(gridIn(1200, 600, 4, 2)).toEqual({ columns: 2, width: 544, height: 272 });
  });

  it('makes images scroll before they are too small to be judged', () => {
    const small = gridIn(358, 300, 16);
    expect(small).toEqual({ columns: 3, width: 114, height: 114 });
    expect(gridIn(100, 300, 16).columns).toBe(1);
  });

  it('always stays within the width, and within the height unless images would be too small', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 60, max: 3000 }),
        fc.integer({ min: 1, max: 2000 }),
        fc.integer({ min: 2, max: 16 }),
        fc.constantFrom(0.5, 0.75, 1, 1.5, 2),
        (width, height, count, aspect) => {
          const grid = gridIn(width, height, count, aspect);
          const rows = Math.ceil(count / grid.columns);
          expect(grid.columns * (grid.width + 8) - 8).toBeLessThanOrEqual(width);
          const down = rows * (grid.height + 8) - 8;
          if (down > height) expect(grid.width).toBeGreaterThanOrEqual(Math.min(112, width - 8));
          expect(grid.width).toBeGreaterThan(0);
        },
      ),
    );
  });
});
