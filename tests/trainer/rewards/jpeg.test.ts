import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { concatenated, float32, type Tensor } from '@/trainer/graph/tensor';
import { renderHand } from '@/trainer/hands/world/render';
import { createRandom } from '@/trainer/random';
import { compressibility, incompressibility } from '@/trainer/rewards/jpeg';
import { fileSizeScorers, jpegKilobytes } from '@/trainer/rewards/jpeg-file';
import { quantization } from '@/trainer/rewards/jpeg-tables';
import { Engine } from '@/trainer/runtime/engine';
import { gradientGap, openScoring, randomImages, scoredBy } from './support';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

/**
 * Drawn hands as [n, 3, 64, 64] in [0, 1]; every third with noise, as a policy's images may have.
 */
function hands(first: number, count: number): Tensor<'float32'> {
  const random = createRandom(4);
  const drawn = Array.from({ length: count }, (_, i) => {
    const { pixels } = renderHand(first + i);
    const noise = i % 3 === 2 ? 0.02 : 0;
    return Float32Array.from({ length: pixels.length }, (_, at) => {
      const [channel, pixel] = [Math.floor(at / 4096), at % 4096];
      const value = pixels[3 * pixel + channel]! / 255 + noise * random.gaussian();
      return Math.round(255 * Math.min(Math.max(value, 0), 1)) / 255;
    });
  });
  return float32([count, 3, 64, 64], concatenated(drawn));
}

function filesOf({ data, dims }: Tensor<'float32'>): Promise<Float32Array> {
  const [images, , height, width] = dims as [number, number, number, number];
  return jpegKilobytes(data, { images, height, width });
}

async function estimate(images: Tensor<'float32'>): Promise<Float32Array> {
  const session = await openScoring(engine, incompressibility, images.dims);
  const { score } = await scoredBy(session, images);
  await session.release();
  return score;
}

function ranks(values: Float32Array): number[] {
  const order = [...values.keys()].sort((a, b) => values[a]! - values[b]!);
  const rank = new Array<number>(values.length);
  for (const [at, i] of order.entries()) rank[i] = at;
  return rank;
}

/** Spearman's rank correlation of values without ties. */
function spearman(a: Float32Array, b: Float32Array): number {
  const [one, other] = [ranks(a), ranks(b)];
  const squares = one.reduce((sum, rank, i) => sum + (rank - other[i]!) ** 2, 0);
  return 1 - (6 * squares) / (a.length * (a.length ** 2 - 1));
}

describe('the estimate with a gradient', () => {
  it('ranks drawn hands as their files do, and is right to a few per cent', async () => {
    const images = hands(1000, 60);
    const [files, estimates] = [await filesOf(images), await estimate(images)];
    expect(spearman(estimates, files)).toBeGreaterThan(0.97);
    for (const [i, size] of files.entries()) {
      expect(Math.abs(estimates[i]! / size - 1)).toBeLessThan(0.04);
    }
  });

  it.each([
    [16, 16],
    [8, 8],
    [13, 30],
    [75, 100],
  ])('repeats the edges of an image of %i×%i pixels, as an encoder does', async (height, width) => {
    const random = createRandom(height);
    const dims = [1, 3, height, width];
    // A ramp: what is repeated at the edges must not count as a step.
    const [slopeX, slopeY] = [random.between(0, 0.4), random.between(0, 0.4)];
    const values = Float32Array.from({ length: 3 * height * width }, (_, at) => {
      const [x, y] = [at % width, Math.floor(at / width) % height];
      const value = 0.95 - (slopeX * x) / width - (slopeY * y) / height + 0.01 * random.gaussian();
      return Math.round(255 * Math.min(value, 1)) / 255;
    });
    const images = float32(dims, values);
    const [file, estimated] = [(await filesOf(images))[0], (await estimate(images))[0]];
    expect(Math.abs((estimated as number) / (file as number) - 1)).toBeLessThan(0.06);
  });

  it.each([[[2, 3, 16, 16]], [[1, 3, 19, 34]]])(
    'has the gradient of finite differences at %j',
    async (dims) => {
      expect(
        await gradientGap(engine, compressibility, randomImages(dims), { h: 5e-4 }),
      ).toBeLessThan(0.01);
    },
  );

  it('makes smaller files when followed', async () => {
    const start = hands(2, 1);
    const session = await openScoring(engine, compressibility, start.dims);
    const [before] = await filesOf(start);
    let { data } = start;
    for (let step = 0; step < 40; step++) {
      const { gradient } = await scoredBy(session, float32(start.dims, data));
      data = data.map((value, i) => value + 0.05 * gradient[i]!);
    }
    await session.release();
    const [after] = await filesOf(float32(start.dims, data));
    expect((after as number) / (before as number)).toBeLessThan(0.95);
  });

  it('asks for opposites', async () => {
    const images = hands(3, 2);
    const session = await openScoring(engine, compressibility, images.dims);
    const { score } = await scoredBy(session, images);
    await session.release();
    const kilobytes = await estimate(images);
    expect([...score]).toEqual([...kilobytes].map((size) => -size));
  });
});

it('the tables at quality 95 are those that libjpeg writes', () => {
  // The first row of each table in a file of quality 95.
  expect(quantization('luma', 95).slice(0, 8)).toEqual([2, 1, 1, 2, 2, 4, 5, 6]);
  expect(quantization('chroma', 95).slice(0, 8)).toEqual([2, 2, 2, 5, 10, 10, 10, 10]);
});

it('scores files in kilobytes, both ways', async () => {
  const { data } = hands(7, 3);
  const batch = { images: 3, height: 64, width: 64 };
  const [small, large] = [
    await fileSizeScorers.compressibility(engine, batch),
    await fileSizeScorers.incompressibility(engine, batch),
  ];
  const { scores: kilobytes } = await large.score(data, []);
  const { scores } = await small.score(data, []);
  expect([...scores]).toEqual([...kilobytes].map((size) => -size));
  // Noise costs more than a drawing.
  expect(kilobytes[2]).toBeGreaterThan(kilobytes[0]!);
  expect(kilobytes[0]).toBeGreaterThan(1);
  // An estimate is never compared with a file.
  expect([compressibility.name, incompressibility.name]).not.toContain(small.name);
});

/** A drawing that any program can make again: its bytes decide the size of the file. */
function pattern(width: number, height: number, k: number): Float32Array {
  return Float32Array.from({ length: 3 * width * height }, (_, at) => {
    const [channel, pixel] = [Math.floor(at / (width * height)), at % (width * height)];
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    const ramp = x * k + y * 3 + channel * 37 + ((x * y) % (k + 5));
    const tile = (Math.floor(x / 7) + Math.floor(y / 5)) % 2 === 1 ? 1 : 2;
    return ((ramp * tile) % 256) / 255;
  });
}

// Image.frombytes('RGB', …).save(…, 'JPEG', quality=95) by Pillow 9.4
it.each([
  [64, 64, 1, 4441],
  [64, 64, 9, 5070],
  [16, 16, 3, 870],
  [13, 30, 2, 1016],
  [75, 100, 5, 9015],
  [8, 8, 0, 693],
])(
  'a file of %i×%i pixels (%i) has the %i bytes that Pillow writes',
  async (width, height, k, bytes) => {
    const [kilobytes] = await jpegKilobytes(pattern(width, height, k), {
      images: 1,
      height,
      width,
    });
    expect(Math.round(1000 * (kilobytes as number))).toBe(bytes);
  },
);
