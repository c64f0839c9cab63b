/**
 * Each layout's score against plain numbers, and its gradient at the pixels against finite
 * differences.
 */

import { readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Golden } from '@/tests/parity/golden';
import { graphOf, nodeOf } from '@/tests/support/graph-of';
import { ClipTokenizer } from '@/trainer/diffusion/pipelines/tokenizer';
import { Builder } from '@/trainer/graph/builder';
import type { Graph } from '@/trainer/graph/model';
import { readOnnxFile } from '@/trainer/graph/onnx/read';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, type Tensor } from '@/trainer/graph/tensor';
import { openImportedReward } from '@/trainer/rewards/imported/open';
import { axisMatrix } from '@/trainer/rewards/preprocess';
import type { Reward } from '@/trainer/rewards/reward';
import { Engine } from '@/trainer/runtime/engine';
import { gradientGap, openScoring, randomImages, scoredBy } from '../support';
import {
  cosine,
  crossModel,
  dot,
  embeddingOf,
  head,
  headWeights,
  imageTower,
  newFolder,
  promptOf,
  size,
  textTower,
  tokenLength,
  writeExternal,
  writeModel,
} from './models';

const clip = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
};
const prompts = ['1 hand', '1 hand, red sleeve'];
const text = { file: 'text.onnx', length: tokenLength };

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

/** One of `images` [n, 3, H, W] at the models' size, normalized as CLIP is. */
function preprocessed({ data, dims }: Tensor<'float32'>, image: number): number[] {
  const [, , height, width] = dims as [number, number, number, number];
  const how = { size, interpolation: 'bicubic', antialias: true } as const;
  const [down, across] = [axisMatrix(height, size, how), axisMatrix(width, size, how)];
  const out: number[] = [];
  for (let channel = 0; channel < 3; channel++) {
    const plane = data.subarray((image * 3 + channel) * height * width);
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        let sum = 0;
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            const weight = down[row * height + y]! * across[column * width + x]!;
            sum += weight * plane[y * width + x]!;
          }
        }
        out.push((sum - clip.mean[channel]!) / clip.std[channel]!);
      }
    }
  }
  return out;
}

/** Embedding of a prompt in plain numbers. */
async function promptEmbedding(folder: string, prompt: string): Promise<number[]> {
  const tokenizer = await ClipTokenizer.open(join(folder, 'tokenizer'));
  const ids = tokenizer.encode(prompt);
  const end = tokenizer.encode('')[1]!;
  return promptOf(ids, ids.indexOf(end) + 1);
}

interface Case {
  manifest: object;
  graphs: () => Record<string, Graph>;
  formula(image: number[], prompt: number[]): number;
}

const unit = (values: number[]) => {
  const length = Math.sqrt(dot(values, values));
  return values.map((value) => value / length);
};

const cases: Record<string, Case> = {
  pickscore: {
    manifest: { version: '1', text, score: { logitScale: 4.6 } },
    graphs: () => ({ 'image.onnx': imageTower(), 'text.onnx': textTower() }),
    formula: (image, prompt) => Math.exp(4.6) * cosine(image, prompt),
  },
  hpsv2: {
    manifest: { version: '2.0', text },
    graphs: () => ({ 'image.onnx': imageTower(), 'text.onnx': textTower() }),
    formula: cosine,
  },
  'hpsv2.1': {
    manifest: { version: '2.1', text },
    graphs: () => ({ 'image.onnx': imageTower(), 'text.onnx': textTower() }),
    formula: cosine,
  },
  clipscore: {
    manifest: { version: 'ViT-B/32', text },
    graphs: () => ({ 'image.onnx': imageTower(), 'text.onnx': textTower() }),
    formula: cosine,
  },
  'image-reward': {
    manifest: { version: '1.0', text: { tokenizer: 'clip', length: tokenLength } },
    graphs: () => ({ 'image.onnx': crossModel() }),
    formula: (image, prompt) => (dot(image, prompt) - 0.16717362830052426) / 1.0333394966054072,
  },
  aesthetic: {
    manifest: { version: 'sac+logos+ava1', head: { file: 'head.onnx' } },
    graphs: () => ({ 'image.onnx': imageTower(), 'head.onnx': head() }),
    formula: (image) => dot(unit(image), [...headWeights]) + 5,
  },
  plain: {
    manifest: {
      version: '3',
      text: { length: tokenLength },
      score: { mean: 1, std: 2 },
    },
    graphs: () => ({ 'image.onnx': crossModel() }),
    formula: (image, prompt) => (dot(image, prompt) - 1) / 2,
  },
};

/** The images are square, so that crop and pad agree with the plain numbers. */
const manifestOf = (layout: string, manifest: object) => ({
  name: `tiny ${layout}`,
  layout,
  image: { file: 'image.onnx', size, ...(layout === 'plain' && clip) },
  ...manifest,
});

describe.each(Object.entries(cases))('%s', (layout, { manifest, graphs, formula }) => {
  let folder: string;
  let reward: Reward;
  beforeAll(async () => {
    folder = await writeModel(manifestOf(layout, manifest), graphs());
    reward = await openImportedReward(engine, folder);
  });
  afterAll(() => reward.release?.());

  it('scores as the formula does', async () => {
    const images = randomImages([2, 3, 13, 13]);
    const session = await openScoring(engine, reward, images.dims);
    const { score } = await scoredBy(session, images, await reward.feeds(prompts));
    await session.release();
    for (const [i, prompt] of prompts.entries()) {
      const embedding = embeddingOf(preprocessed(images, i));
      const expected = formula(embedding, await promptEmbedding(folder, prompt));
      expect(score[i]).toBeCloseTo(expected, 3);
    }
  });

  it('has the gradient of finite differences at the pixels, at another shape of image', async () => {
    const images = randomImages([2, 3, 17, 12]);
    expect(await gradientGap(engine, reward, images, { prompts, h: 0.02 })).toBeLessThan(2e-3);
  });

  it('says how much of a prompt it reads', async () => {
    expect(reward.measure?.room).toBe('text' in manifest ? tokenLength - 2 : undefined);
  });

  it('is named by layout, version and files', async () => {
    const { version } = manifest as { version: string };
    expect(reward.name).toMatch(new RegExp(`^tiny ${layout} \\(${layout} .+, [0-9a-f]{8}\\)$`));
    expect(reward.name).toContain(version);
  });
});

it.each([
  ['hpsv2', true],
  ['hpsv2.1', true],
  ['pickscore', false],
  ['clipscore', false],
])('%s reads curly quotes as straight ones: %s', async (layout, cleans) => {
  const { manifest, graphs } = cases[layout]!;
  const reward = await openImportedReward(
    engine,
    await writeModel(manifestOf(layout, manifest), graphs()),
  );
  const embedding = async (prompt: string) =>
    Object.values(await reward.feeds([prompt])).map(({ data }) => [...data]);
  const [curly, straight] = [await embedding('“1 hand”'), await embedding('"1 hand"')];
  if (cleans) expect(curly).toEqual(straight);
  else expect(curly).not.toEqual(straight);
  await reward.release?.();
});

it('a model with the same words and other weights has another name', async () => {
  const manifest = manifestOf('aesthetic', cases.aesthetic?.manifest ?? {});
  const one = await openImportedReward(
    engine,
    await writeModel(manifest, { 'image.onnx': imageTower(), 'head.onnx': head() }),
  );
  const changed = head();
  changed.constants.set(
    'head.weight',
    float32(
      [6, 1],
      headWeights.map((value) => value + 1),
    ),
  );
  const other = await openImportedReward(
    engine,
    await writeModel(manifest, { 'image.onnx': imageTower(), 'head.onnx': changed }),
  );
  expect(other.name).not.toBe(one.name);
});

it("the golden reward model's score, through a manifest and a text tower", async () => {
  const golden = fileURLToPath(new URL('../../../fixtures/golden/parity', import.meta.url));
  const numbers = await Golden.read(golden, 'reward_gradient');
  const images = numbers.get('image') as Tensor<'float32'>;
  const embeddings = numbers.get('text_embedding') as Tensor<'float32'>;
  const [n, goldenWidth] = embeddings.dims as [number, number];
  // A text tower that gives the golden embeddings: row by the prompt's first word.
  const b = new Builder('golden text');
  const ids = b.input('input_ids', 'int64', [1, tokenLength]);
  const first = b.reshape(b.slice(ids, 1, 1, 2), [1]);
  const tokenizerFolder = await writeModel({}, {});
  const tokenizer = await ClipTokenizer.open(join(tokenizerFolder, 'tokenizer'));
  const words = ['1', '2', '3', '4', '5', '6', '7', '8'].slice(0, n);
  const table = new Float32Array(4096 * goldenWidth);
  for (const [row, word] of words.entries()) {
    const id = tokenizer.encode(word)[1]!;
    table.set(
      embeddings.data.subarray(row * goldenWidth, (row + 1) * goldenWidth),
      id * goldenWidth,
    );
  }
  const weights = b.constant('table', float32([4096, goldenWidth], table));
  b.output(b.op('Gather', [weights, first]), 'text_embeds');
  const size = images.dims[2]!;
  const folder = await writeModel(
    {
      name: 'golden',
      version: '1',
      layout: 'plain',
      image: { file: 'image.onnx', input: 'image', size },
      text: { ...text, into: 'text_embedding' },
    },
    {
      'image.onnx': await readOnnxFile(join(golden, 'reward/model.onnx')),
      'text.onnx': b.finish(),
    },
  );
  const reward = await openImportedReward(engine, folder);
  const session = await openScoring(engine, reward, images.dims);
  const { score, gradient } = await scoredBy(session, images, await reward.feeds(words));
  await session.release();
  const { data: wanted } = numbers.get('score') as Tensor<'float32'>;
  for (const [i, value] of score.entries()) expect(value).toBeCloseTo(wanted[i]!, 4);
  const { data: slopes } = numbers.get('grad_image') as Tensor<'float32'>;
  const largest = slopes.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const worst = gradient.reduce((w, v, i) => Math.max(w, Math.abs(v - slopes[i]!)), 0);
  expect(worst / largest).toBeLessThan(1e-4);
});

it('weights in a file beside the model, or elsewhere, score the same', async () => {
  const images = randomImages([2, 3, 8, 8]);
  const manifest = manifestOf('hpsv2', {
    version: '2.0',
    text: { ...text, file: 'text/model.onnx' },
  });
  const scores: number[][] = [];
  for (const external of [false, 'beside', 'linked']) {
    const folder = await newFolder();
    const graphs = { 'image.onnx': imageTower(), 'text/model.onnx': textTower() };
    await writeModel(manifest, graphs, folder);
    if (external) {
      await writeExternal(join(folder, 'image.onnx'), imageTower());
      await writeExternal(join(folder, 'text/model.onnx'), textTower());
    }
    if (external === 'linked') {
      // As in a cache: models and data are links into one store that lies elsewhere.
      const store = await newFolder();
      const files = ['image.onnx', 'model.onnx_data', 'text/model.onnx', 'text/model.onnx_data'];
      for (const [i, name] of files.entries()) {
        const [file, blob] = [join(folder, name), join(store, `${i}`)];
        await rename(file, blob);
        await symlink(blob, file);
      }
    }
    const reward = await openImportedReward(engine, folder);
    const session = await openScoring(engine, reward, images.dims);
    const { score } = await scoredBy(session, images, await reward.feeds(prompts));
    scores.push([...score]);
    await session.release();
    if (!external) continue;
    // The name covers the data, too.
    const data = await readFile(join(folder, 'model.onnx_data'));
    data.writeFloatLE(1, 0);
    await writeFile(join(folder, 'model.onnx_data'), data);
    expect((await openImportedReward(engine, folder)).name).not.toBe(reward.name);
  }
  expect(scores.slice(1)).toEqual([scores[0], scores[0]]);
});

it('a graph of an older opset scores the same', async () => {
  const graph = graphOf(
    14,
    [{ name: 'pixel_values', dtype: 'float32', dims: [1, 3, size, size] }],
    [
      nodeOf('ReduceMean', ['pixel_values'], ['mean'], { axes: [1, 2, 3], keepdims: 0 }),
      nodeOf('Split', ['pixel_values'], ['left', 'right'], { axis: 3 }),
      nodeOf('Sub', ['left', 'right'], ['apart']),
      nodeOf('ReduceMax', ['apart'], ['spread'], { axes: [1, 2, 3], keepdims: 0 }),
      nodeOf('Add', ['mean', 'spread'], ['score']),
    ],
    [{ name: 'score', dtype: 'float32', dims: [1] }],
  );
  const folder = await writeModel(
    { name: 'old', version: '1', layout: 'plain', image: { file: 'image.onnx', size } },
    { 'image.onnx': graph },
  );
  const direct = await engine.load(serializeOnnx(graph), { name: 'old' });
  const images = randomImages([1, 3, size, size]);
  const [wanted] = Object.values(await direct.run({ pixel_values: images }));
  await direct.release();
  const session = await openScoring(engine, await openImportedReward(engine, folder), images.dims);
  const { score } = await scoredBy(session, images);
  await session.release();
  expect(score[0]).toBeCloseTo(Number(wanted?.data[0]), 6);
});
