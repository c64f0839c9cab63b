import { describe, expect, it } from 'vitest';
import {
  bfloat16ToNumber,
  float16ToNumber,
  numberToFloat16,
  toFloat32,
} from '@/trainer/graph/float16';
import {
  bytesOf,
  dtypes,
  elementBytes,
  expectDtype,
  float32,
  int64,
  sizeOf,
  tensor,
  tensorFromBytes,
  zeros,
} from '@/trainer/graph/tensor';

describe('tensor', () => {
  it('refuses data that does not fill the shape', () => {
    expect(() => tensor('float32', [2, 3], new Float32Array(5))).toThrow(
      'A float32 tensor of shape [2,3] holds 6 elements, but its data has 5.',
    );
  });

  it('refuses an array of another type', () => {
    const wrong = new Float64Array(1) as unknown as Float32Array;
    expect(() => tensor('float32', [1], wrong)).toThrow('holds a Float32Array, not a Float64Array');
  });

  it('refuses dimensions that are no sizes', () => {
    expect(() => sizeOf([2, -1])).toThrow('Dimension -1 of [2,-1] is no size');
    expect(() => sizeOf([0.5])).toThrow('is no size');
  });

  it('counts scalars as one element and empty axes as none', () => {
    expect(sizeOf([])).toBe(1);
    expect(sizeOf([3, 0])).toBe(0);
  });

  it('survives a trip through bytes, aligned or not, in every type', () => {
    for (const dtype of dtypes) {
      const original = zeros(dtype, [3]);
      bytesOf(original).set(Array.from({ length: 3 * elementBytes(dtype) }, (_, i) => i + 1));
      const shifted = new Uint8Array(1 + 3 * elementBytes(dtype));
      shifted.set(bytesOf(original), 1);
      expect(tensorFromBytes(dtype, [3], shifted.subarray(1))).toEqual(original);
    }
  });

  it('refuses a byte count that does not fit', () => {
    expect(() => tensorFromBytes('int64', [2], new Uint8Array(15))).toThrow(
      'takes 16 bytes, but 15',
    );
  });

  it('narrows, naming what has the wrong type', () => {
    expect(() => expectDtype(int64([1], [1]), 'float32', 'The weight')).toThrow(
      'The weight must be a float32 tensor, but is int64.',
    );
  });
});

describe('float16', () => {
  it('reads back every finite half exactly', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = float16ToNumber(bits);
      if (Number.isNaN(value))
        expect(Number.isNaN(float16ToNumber(numberToFloat16(value)))).toBe(true);
      else if (numberToFloat16(value) !== bits)
        expect.fail(`0x${bits.toString(16)} came back changed`);
    }
  });

  it('rounds ties to even and overflows to infinity', () => {
    expect(numberToFloat16(1 + 2 ** -11)).toBe(0x3c00);
    expect(numberToFloat16(1 + 3 * 2 ** -11)).toBe(0x3c02);
    expect(numberToFloat16(65519)).toBe(0x7bff);
    expect(numberToFloat16(65520)).toBe(0x7c00);
    expect(numberToFloat16(-1e6)).toBe(0xfc00);
    expect(numberToFloat16(2 ** -25)).toBe(0);
    expect(numberToFloat16(2 ** -25 * 1.01)).toBe(1);
  });

  it('widens tensors to float32', () => {
    expect(toFloat32(tensor('float16', [2], Uint16Array.of(0x3c00, 0xc000)))).toEqual(
      Float32Array.of(1, -2),
    );
    expect(bfloat16ToNumber(0x3fc0)).toBe(1.5);
    expect(toFloat32(int64([1], [7]))).toEqual(Float32Array.of(7));
    expect(toFloat32(float32([1], [0.25]))).toEqual(Float32Array.of(0.25));
  });
});
