import { expect, test } from 'vitest';
import { createRandom } from '@/trainer/random';

test('the streams of neighbouring seeds are even and unlike each other', () => {
  const count = 20_000;
  const [a, b] = [createRandom(1), createRandom(2)];
  let sum = 0;
  let product = 0;
  for (let draw = 0; draw < count; draw++) {
    const [x, y] = [a.next(), b.next()];
    expect(x >= 0 && x < 1).toBe(true);
    sum += x;
    product += (x - 0.5) * (y - 0.5);
  }
  expect(sum / count).toBeCloseTo(0.5, 2);
  expect(Math.abs((12 * product) / count)).toBeLessThan(0.03);
});

test('normal numbers have mean 0, deviation 1 and tails', () => {
  const random = createRandom(3);
  const values = Array.from({ length: 50_000 }, () => random.gaussian());
  const mean = values.reduce((total, value) => total + value, 0) / values.length;
  const variance = values.reduce((total, value) => total + value ** 2, 0) / values.length;
  const beyondTwo = values.filter((value) => Math.abs(value) > 2).length / values.length;
  expect(Math.abs(mean)).toBeLessThan(0.02);
  expect(Math.abs(variance - 1)).toBeLessThan(0.02);
  expect(Math.abs(beyondTwo - 0.0455)).toBeLessThan(0.004);
});

test('integers and picks reach every value and no other', () => {
  const random = createRandom(4);
  const seen = new Set(Array.from({ length: 200 }, () => random.integer(6)));
  expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  expect(() => random.pick([])).toThrow(/empty list/);
});

test('what it draws never changes', () => {
  const random = createRandom(2 ** 40 + 5);
  expect(Array.from({ length: 4 }, () => random.integer(1000))).toMatchInlineSnapshot(`
    [
      962,
      690,
      759,
      270,
    ]
  `);
});
