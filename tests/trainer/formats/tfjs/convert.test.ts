/**
 * Numbers of converted networks against those of TensorFlow.js itself; tests/fixtures/tfjs/make.sh
 * makes both the small networks and the numbers.
 */
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convertTfjs } from '@/trainer/formats/tfjs/convert';
import { readTfjs } from '@/trainer/formats/tfjs/read';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32 } from '@/trainer/graph/tensor';
import { Engine } from '@/trainer/runtime/engine';

interface Expected {
  input: string;
  shape: [number, number, number, number];
  cases: {
    seed: number;
    outputs: Record<string, { shape: number[]; every: number; values: number[] }>;
  }[];
}

const fixtures = resolve('tests/fixtures/tfjs');
const expected: Record<'small' | 'packages', Record<string, Expected>> = JSON.parse(
  readFileSync(join(fixtures, 'expected.json'), 'utf8'),
);

/** mulberry32: the inputs of make.sh. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** [n, height, width, channels] as drawn there, [n, channels, height, width] as taken here. */
function drawn(seed: number, [n, height, width, channels]: Expected['shape']) {
  const next = random(seed);
  const area = height * width;
  const given = Float32Array.from({ length: n * area * channels }, next);
  const planes = given.map((_, i) => given[(i % area) * channels + Math.floor(i / area)]!);
  return float32([n, channels, height, width], planes);
}

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', lanes: 1 });
});
afterAll(() => engine.close());

/** The largest difference of each output, as a share of its largest number. */
async function differences(path: string, { input, shape, cases }: Expected) {
  const names = Object.keys(cases[0]!.outputs);
  const graph = convertTfjs(await readTfjs(path), { outputs: names, inputs: { [input]: shape } });
  const session = await engine.load(serializeOnnx(graph), { name: path });
  const found: Record<string, number> = {};
  for (const { seed, outputs } of cases) {
    const got = await session.run({ [graph.inputs[0]!.name]: drawn(seed, shape) });
    for (const [name, { shape: dims, every, values }] of Object.entries(outputs)) {
      const { data, dims: gotDims } = got[name]!;
      expect([name, gotDims]).toEqual([name, dims]);
      const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
      const worst = values.reduce(
        (most, value, i) => Math.max(most, Math.abs(Number(data[i * every]) - value)),
        0,
      );
      found[name] = Math.max(found[name] ?? 0, worst / largest);
    }
  }
  await session.release();
  return Object.entries(found);
}

describe('small networks', () => {
  it.each(Object.entries(expected.small))('%s', async (name, numbers) => {
    const found = await differences(join(fixtures, name), numbers);
    expect(found.filter(([, difference]) => !(difference < 1e-5))).toEqual([]);
    expect(found.length).toBeGreaterThan(1);
  });

  it('has no transposition within a network of convolutions', async () => {
    const graph = convertTfjs(await readTfjs(join(fixtures, 'layers.json')));
    expect(graph.nodes.filter(({ op }) => op === 'Transpose')).toHaveLength(1);
  });
});

/** Installed beside Darkroom for the occasion: 84 MB that nobody else needs. */
const packages = Object.entries(expected.packages).map(
  ([path, numbers]) => [path, numbers, resolve('node_modules', path)] as const,
);
const isInstalled = packages.every(([, , path]) => existsSync(path));
if (!isInstalled) {
  console.warn(
    'SKIPPED: the networks of @vladmandic/human and nsfwjs against TensorFlow.js. npm install --no-save --ignore-scripts --legacy-peer-deps @vladmandic/human@3.3.6 nsfwjs@4.4.0',
  );
}

describe.skipIf(!isInstalled)('networks that people use, where they are installed', () => {
  it.each(packages)('%s', async (_, numbers, path) => {
    const found = await differences(path, numbers);
    expect(found.filter(([, difference]) => !(difference < 1e-4))).toEqual([]);
  });
});

describe('what is refused', () => {
  /** The small graph with something else in its file. */
  async function changed(change: (text: string) => string, name = 'operators') {
    const folder = await mkdtemp(join(tmpdir(), 'tfjs-'));
    await cp(fixtures, folder, { recursive: true });
    const path = join(folder, `${name}.json`);
    await writeFile(path, change(await readFile(path, 'utf8')));
    return path;
  }
  const convert = async (path: string) => convertTfjs(await readTfjs(path));

  it.each([
    [
      'an operator without a meaning, by name and node',
      (text: string) => text.replaceAll('"op":"Softplus"', '"op":"Bincount"'),
      /node "one_Softplus" \(Bincount\): this operator has no meaning here/,
    ],
    [
      'a loop',
      (text: string) =>
        text.replace(
          '"name":"mean","op":"Mean","input":["x"',
          '"name":"mean","op":"Mean","input":["dense"',
        ),
      /node "(mean|dense)" \(\w+\): the graph loops here/,
    ],
    [
      'channels first',
      (text: string) => text.replaceAll('TkhXQw==', 'TkNIVw=='),
      /data_format is NCHW, not NHWC/,
    ],
    [
      'weights that are not there',
      (text: string) => text.replace('operators.bin', 'others.bin'),
      /names the weights others\.bin, which are not there/,
    ],
    [
      'weights from outside the folder',
      (text: string) => text.replace('operators.bin', '../operators.bin'),
      /lie outside its folder/,
    ],
    [
      'fewer weights than there are bytes',
      (text: string) => text.replace('"shape":[3,3,4,5]', '"shape":[3,3,4,4]'),
      /hold \d+ bytes, but the weights take/,
    ],
    [
      'more',
      (text: string) => text.replace('"shape":[3,3,4,5]', '"shape":[300,3,4,5]'),
      /The files are not whole/,
    ],
    ['no JSON', () => 'PK', /is no JSON/],
    ['JSON of something else', () => '{}', /is no network of TensorFlow\.js/],
  ])('%s', async (_, change, message) => {
    const path = await changed(change);
    await expect(convert(path)).rejects.toThrow(message);
  });

  it('a layer without a meaning, by name and class', async () => {
    const path = await changed((text) => text.replace('"SeparableConv2D"', '"LSTM"'), 'layers');
    await expect(convert(path)).rejects.toThrow(
      /layer "[^"]+" \(LSTM\): this layer has no meaning/,
    );
  });
});

describe('a network that a package bundles as modules', () => {
  it('is read as its files are', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tfjs-'));
    const json = await readFile(join(fixtures, 'layers.json'), 'utf8');
    const base64 = (await readFile(join(fixtures, 'layers.bin'))).toString('base64');
    await writeFile(join(folder, 'model.min.js'), `module.exports = ${json};`);
    await writeFile(join(folder, 'layers.bin.min.js'), `module.exports = "${base64}";`);
    const [bundled, plain] = await Promise.all(
      [join(folder, 'model.min.js'), join(fixtures, 'layers.json')].map(readTfjs),
    );
    expect(bundled!.weights).toEqual(plain!.weights);
    expect(bundled!.topology).toEqual(plain!.topology);
  });

  it('cannot reach what is ours', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tfjs-'));
    const path = join(folder, 'model.min.js');
    await writeFile(path, 'module.exports = require("node:fs");');
    await expect(readTfjs(path)).rejects.toThrow(/require is not defined/);
  });
});
