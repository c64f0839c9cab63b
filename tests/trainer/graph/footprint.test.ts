import { expect, it } from 'vitest';
import { Builder } from '@/trainer/graph/builder';
import { footprintOf } from '@/trainer/graph/footprint';
import { float32 } from '@/trainer/graph/tensor';

const kilobyte = [16, 16];

it('counts what is alive at a time, in place where nobody else reads, and weights apart', () => {
  const b = new Builder('chain');
  const x = b.input('x', 'float32', kilobyte);
  const weight = b.constant('w', float32(kilobyte, new Float32Array(256)));
  // x and its product; the gate is written over the product, the view is nothing.
  const made = b.reshape(b.op('Sigmoid', [b.matmul(x, weight)]), [256]);
  b.output(b.scale(made, 2), 'y');
  const { valueBytes, weightBytes, operations } = footprintOf(b, b.finish());
  expect(valueBytes).toBe(2 * 1024);
  expect(weightBytes).toBe(1024 + 4);
  expect(operations).toBe(2 * 16 ** 3);
});

it('gives a buffer to the next value of its shape alone, however late that comes', () => {
  const b = new Builder('reused');
  const x = b.input('x', 'float32', kilobyte);
  const through = (y: string, width: number) => {
    const [out, back] = [
      [16, width],
      [width, 16],
    ].map((dims) => b.tensor(float32(dims, new Float32Array(16 * width))));
    return b.matmul(b.matmul(y, out!), back!);
  };
  b.output(b.scale(through(through(through(x, 64), 48), 64), 2), 'y');
  // x, what the first product leaves to the fifth, the second's result, and the third's.
  expect(footprintOf(b, b.finish()).valueBytes).toBe((1 + 4 + 1 + 3) * 1024);
});

it('keeps what is read late, and counts a turned weight as one more', () => {
  const b = new Builder('kept');
  const x = b.input('x', 'float32', kilobyte);
  const weight = b.constant('w', float32(kilobyte, new Float32Array(256)));
  const early = b.op('Sin', [x]);
  const later = b.op('Sin', [b.op('Sin', [early])]);
  const through = b.matmul(b.matmul(later, weight), b.transpose(weight, [1, 0]));
  b.output(b.add(through, early), 'y');
  const { valueBytes, weightBytes } = footprintOf(b, b.finish());
  // x, early, and a product's operand and result.
  expect(valueBytes).toBe(4 * 1024);
  expect(weightBytes).toBe(2 * 1024);
});
