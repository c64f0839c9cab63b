import { decode } from 'fast-png';
import { expect, test } from 'vitest';
import { contactSheet } from '@/trainer/hands/contact-sheet';

const plain = (side: number, shade: number) => new Uint8Array(side * side * 3).fill(shade);

test('images lie in rows, each pixel enlarged, with gaps between', () => {
  const png = decode(
    contactSheet([plain(4, 50), plain(4, 100), plain(4, 150)], 4, { columns: 2, zoom: 2, gap: 3 }),
  );
  expect([png.width, png.height]).toEqual([2 * 8 + 3, 2 * 8 + 3]);
  const shade = (x: number, y: number) => png.data[(y * png.width + x) * 3];
  expect(shade(0, 0)).toBe(50);
  expect(shade(7, 7)).toBe(50);
  expect(shade(8, 0)).toBe(24);
  expect(shade(11, 0)).toBe(100);
  expect(shade(0, 11)).toBe(150);
  expect(shade(11, 11)).toBe(24);
});

test('labels are written under the images', () => {
  const png = decode(contactSheet([plain(16, 0)], 16, { columns: 1, labels: ['7B'] }));
  expect(png.height).toBe(16 + 8);
  const light = [...png.data].filter((value) => value === 235).length / 3;
  // Pixels of "7" (3+1+1+1+1) and "B" (2+2+2+2+2).
  expect(light).toBe(17);
});

test('an image of another size is refused', () => {
  expect(() => contactSheet([plain(4, 1)], 5, { columns: 1 })).toThrow(/image 0 has 48 bytes/);
});
