import { decode } from 'fast-png';
import { expect, it } from 'vitest';
import { encodePng, toRgb } from '@/trainer/diffusion/images/png';

it('rounds values to bytes and interleaves the channels', () => {
  const red = [0, 1];
  const green = [0.5, -3];
  const blue = [0.1, 7];
  const image = toRgb(Float32Array.from([...red, ...green, ...blue]), 2, 1);
  expect([...image.data]).toEqual([0, 128, 26, 255, 0, 255]);
  expect(decode(encodePng(image)).data).toEqual(image.data);
  expect(() => toRgb(new Float32Array(5), 2, 1)).toThrow('5 values are no RGB image of 2×1 pixels');
});
