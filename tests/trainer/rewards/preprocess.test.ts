import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Builder } from '@/trainer/graph/builder';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32 } from '@/trainer/graph/tensor';
import { appendPreprocessing, axisMatrix, type Preprocessing } from '@/trainer/rewards/preprocess';
import { ofPixels } from '@/trainer/rewards/reward';
import { Engine, outputOf } from '@/trainer/runtime/engine';
import { gradientGap, randomImages } from './support';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

const plain: Preprocessing = {
  size: 4,
  fit: 'crop',
  interpolation: 'bicubic',
  antialias: true,
  range: [0, 1],
  mean: [0, 0, 0],
  std: [1, 1, 1],
};

const closeTo = (values: readonly number[]) => values.map((value) => expect.closeTo(value, 6));

/** One row of the matrix that resizes an axis. */
function row(
  index: number,
  from: number,
  to: number,
  interpolation: 'bicubic' | 'bilinear',
  antialias = true,
): number[] {
  const matrix = axisMatrix(from, to, { size: to, interpolation, antialias });
  return [...matrix.subarray(index * from, (index + 1) * from)];
}

/**
 * By hand from the kernels: |x| of the four pixels from the center is ¼, ¼, ¾, 1¼ in units of the
 * shrinking.
 */
describe("weights are Pillow's", () => {
  it('bicubic, halved: the kernel with a = −½, widened, cut off at the edge and normalized', () => {
    expect(row(0, 4, 2, 'bicubic')).toEqual(closeTo([111 / 242, 111 / 242, 29 / 242, -9 / 242]));
    expect(row(1, 4, 2, 'bicubic')).toEqual(closeTo([-9 / 242, 29 / 242, 111 / 242, 111 / 242]));
  });

  it('bilinear, halved', () => {
    expect(row(0, 4, 2, 'bilinear')).toEqual(closeTo([3 / 7, 3 / 7, 1 / 7, 0]));
  });

  it('bicubic, doubled: pixels beyond the edge have no weight', () => {
    expect(row(0, 2, 4, 'bicubic')).toEqual(closeTo([111 / 102, -9 / 102]));
  });

  it('without antialias PyTorch’s: a = −¾, edges repeated', () => {
    expect(row(0, 4, 2, 'bicubic', false)).toEqual(closeTo([0.5, 0.59375, -0.09375, 0]));
  });

  it.each([
    [7, 3],
    [3, 7],
    [64, 224],
    [512, 224],
  ])('from %i to %i each row sums to 1', (from, to) => {
    for (const interpolation of ['bicubic', 'bilinear'] as const) {
      for (let i = 0; i < to; i += Math.ceil(to / 5)) {
        const sum = row(i, from, to, interpolation).reduce((a, c) => a + c, 0);
        expect(sum).toBeCloseTo(1, 5);
      }
    }
  });
});

/** What becomes of one image, channel 0, row by row. */
async function preprocessed(
  how: Preprocessing,
  height: number,
  width: number,
  pixel: (y: number, x: number) => number,
): Promise<number[][]> {
  const values = Array.from({ length: 3 * height * width }, (_, i) =>
    pixel(Math.floor(i / width) % height, i % width),
  );
  const b = new Builder('preprocessing');
  const images = b.input('images', 'float32', [1, 3, height, width]);
  b.output(appendPreprocessing(b, images, how), 'out');
  const session = await engine.load(serializeOnnx(b.finish()), { name: 'preprocessing' });
  const out = await session.run({ images: float32([1, 3, height, width], values) });
  await session.release();
  const { data } = outputOf(out, 'out', 'float32');
  return Array.from({ length: how.size }, (_, y) => [
    ...data.subarray(y * how.size, (y + 1) * how.size),
  ]);
}

describe('an image that is not square', () => {
  it('is cropped to its middle', async () => {
    // 4×9 at size 4 is not resized; of nine columns the middle four begin at 2, for 2½ rounds to
    // even.
    const rows = await preprocessed(plain, 4, 9, (_, x) => x);
    expect(rows[0]).toEqual(closeTo([2, 3, 4, 5]));
  });

  it('is padded with black', async () => {
    const rows = await preprocessed({ ...plain, fit: 'pad' }, 2, 4, () => 1);
    expect(rows).toEqual([0, 1, 1, 0].map((value) => closeTo([value, value, value, value])));
  });

  // Rows by Python: scale = 224 / longer; rows = round(height * scale); first = (224 - rows) // 2
  it.each([
    [448, 225, 112, 56],
    [512, 344, 150, 37],
    [512, 376, 164, 30],
    [512, 440, 192, 16],
    [1024, 624, 136, 44],
    [1024, 752, 164, 30],
    [640, 330, 115, 54],
    [768, 512, 149, 37],
  ])('of %i×%i has its rows where HPSv2 has them', async (width, height, rows, first) => {
    const padded = await preprocessed({ ...plain, fit: 'pad', size: 224 }, height, width, () => 1);
    const filled = padded.map((values) => values[112]! > 0.5);
    expect([filled.indexOf(true), filled.filter(Boolean).length]).toEqual([first, rows]);
  });

  it('is squashed', async () => {
    const how = { ...plain, fit: 'squash', interpolation: 'bilinear' } as const;
    const rows = await preprocessed(how, 4, 8, (_, x) => x);
    expect(rows[2]?.slice(1, 3)).toEqual(closeTo([2.5, 4.5]));
  });
});

it('takes pixels to the range, then mean and deviation', async () => {
  const how = { ...plain, range: [-1, 1], mean: [0.5, 0, 0], std: [0.25, 1, 1] } as const;
  const rows = await preprocessed(how, 4, 4, () => 0.75);
  expect(rows[0]?.[0]).toBeCloseTo((2 * 0.75 - 1 - 0.5) / 0.25, 5);
});

describe('the gradient equals finite differences', () => {
  it.each([
    ['crop', 'bicubic', true, [2, 3, 11, 7]],
    ['pad', 'bicubic', true, [1, 3, 7, 13]],
    ['squash', 'bilinear', true, [1, 3, 9, 10]],
    ['crop', 'bicubic', false, [1, 3, 9, 9]],
    ['crop', 'bicubic', true, [1, 3, 3, 2]],
  ] as const)('%s, %s, antialias %s, %j', async (fit, interpolation, antialias, dims) => {
    const how: Preprocessing = {
      ...plain,
      fit,
      interpolation,
      antialias,
      mean: [0.5, 0.4, 0.3],
      std: [0.3, 0.2, 0.1],
    };
    const squares = ofPixels('squares', (b, images) => {
      const out = appendPreprocessing(b, images, how);
      return b.reduceMean(b.mul(out, out), [1, 2, 3], false);
    });
    expect(await gradientGap(engine, squares, randomImages(dims))).toBeLessThan(1e-3);
  });
});
