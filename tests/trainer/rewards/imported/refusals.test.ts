/** What does not fit is refused by name: file, field or input, and what would be right. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Builder } from '@/trainer/graph/builder';
import type { Graph } from '@/trainer/graph/model';
import { float32 } from '@/trainer/graph/tensor';
import { openImportedReward } from '@/trainer/rewards/imported/open';
import { Engine } from '@/trainer/runtime/engine';
import { graphReward } from '../../../support/graph-reward';
import { openScoring } from '../support';
import {
  crossModel,
  head,
  imageTower,
  newFolder,
  size,
  textTower,
  tokenLength,
  width,
  writeExternal,
  writeModel,
} from './models';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

const image = { file: 'image.onnx', size };
const text = { file: 'text.onnx', length: tokenLength };
const towers = () => ({ 'image.onnx': imageTower(), 'text.onnx': textTower() });
const hps = { name: 'HPS', version: '2.0', layout: 'hpsv2', image, text };
const plain = { name: 'mine', version: '1', layout: 'plain', image };

async function refusal(manifest: object, graphs: Record<string, Graph> = towers()) {
  const folder = await writeModel(manifest, graphs);
  return openImportedReward(engine, folder).then(
    () => 'opened',
    (error: Error) => error.message,
  );
}

describe('a manifest', () => {
  it.each([
    ['of no known layout', { ...hps, layout: 'hps' }, /reward\.json.*layout/],
    ['without a version', { ...hps, version: undefined }, /reward\.json.*version/],
    ['with a word too many', { ...hps, imgae: 1 }, /imgae/],
    ['of HPSv2 as 2.1', { ...hps, layout: 'hpsv2.1' }, /version.*hpsv2\.1 is not version 2\.0/],
    ['of HPSv2.1 as 2.0', { ...hps, version: '2.1' }, /version.*hpsv2 is not version 2\.1/],
    [
      'whose name is of the other version',
      { ...hps, name: 'HPS v2.1' },
      /"HPS v2\.1" speaks of the other/,
    ],
    [
      'whose file is of the other version',
      { ...hps, version: '2.1', layout: 'hpsv2.1', text: { ...text, file: 'HPS_v2.0_text.onnx' } },
      /"HPS_v2\.0_text\.onnx" speaks of the other/,
    ],
    ['without its text tower', { ...hps, text: undefined }, /text\.file/],
    [
      'of ImageReward with a text tower',
      { ...hps, layout: 'image-reward', version: '1.0' },
      /text/,
    ],
    [
      'of PickScore without its scale',
      { ...hps, layout: 'pickscore', version: '1' },
      /score\.logitScale.*4\.6/,
    ],
    ['of a cosine with a scale', { ...hps, score: { logitScale: 4.6 } }, /score\.logitScale/],
    ['of a cosine with a deviation', { ...hps, score: { std: 2 } }, /score/],
    ['of the aesthetic layout without a head', { ...plain, layout: 'aesthetic' }, /head/],
    ['of another layout with a head', { ...plain, head: { file: 'head.onnx' } }, /head/],
    [
      'that leaves its folder',
      { ...plain, image: { file: '../image.onnx' } },
      /outside the folder/,
    ],
    [
      'with an absolute path',
      { ...plain, image: { file: 'C:\\image.onnx' } },
      /outside the folder/,
    ],
    ['whose range is turned around', { ...plain, expected: [2, 1] }, /expected/],
    ['that divides by 0', { ...plain, image: { ...image, std: [1, 0, 1] } }, /image\.std/],
    [
      'whose tokenizer is not there',
      { ...hps, text: { ...text, folder: 'words' } },
      /words lacks vocab\.json and merges\.txt and tokenizer_config\.json, or tokenizer\.json and tokenizer_config\.json, which.*text\.folder/,
    ],
    [
      'whose prompts are too long',
      { ...hps, text: { ...text, length: 77 } },
      /16 tokens.*text\.length/,
    ],
  ])('%s', async (_, manifest, message) => {
    expect(await refusal(manifest)).toMatch(message);
  });

  it('that is missing, or no JSON', async () => {
    const folder = await newFolder();
    await expect(openImportedReward(engine, folder)).rejects.toThrow(/reward\.json cannot be read/);
    await writeFile(join(folder, 'reward.json'), '{');
    await expect(openImportedReward(engine, folder)).rejects.toThrow(/no JSON/);
  });

  it('that names a file that is not there', async () => {
    expect(await refusal(plain, {})).toMatch(/image\.onnx/);
    expect(await refusal(hps, { 'image.onnx': imageTower() })).toMatch(/text\.onnx/);
  });
});

/** A graph from an input of this shape to `outputs` scores. */
function model(dims: readonly number[], outputs = 1, name = 'pixel_values'): Graph {
  const b = new Builder('model');
  const x = b.input(name, 'float32', dims);
  const axes = dims.map((_, axis) => axis).slice(1);
  const score = b.reduceMean(x, axes, false);
  for (let i = 0; i < outputs; i++) b.output(b.scale(score, i + 2), `score_${i}`);
  return b.finish();
}

describe('a graph', () => {
  it.each([
    ['without an image', model([1, 12]), /one input of shape \[n,3,height,width\]/],
    ['with one channel', model([1, 1, size, size]), /RGB/],
    ['of another size', model([1, 3, 9, 9]), /\[1,3,9,9\].*8×8/],
    ['with two outputs', model([1, 3, size, size], 2), /score_0 .*score_1/],
    ['that takes tokens that nobody gives', crossModel(), /also takes input_ids .*attention_mask/],
  ])('%s', async (_, graph, message) => {
    expect(await refusal(plain, { 'image.onnx': graph })).toMatch(message);
  });

  it('whose named input or output is missing', async () => {
    const graphs = { 'image.onnx': model([1, 3, size, size]) };
    expect(await refusal({ ...plain, image: { ...image, input: 'x' } }, graphs)).toMatch(/"x"/);
    expect(await refusal({ ...plain, image: { ...image, output: 'y' } }, graphs)).toMatch(/"y"/);
  });

  it('that gives several numbers per image', async () => {
    const folder = await writeModel(plain, { 'image.onnx': imageTower() });
    const reward = await openImportedReward(engine, folder);
    await expect(openScoring(engine, reward, [2, 3, size, size])).rejects.toThrow(
      /\[2,6\] for 2 images/,
    );
  });

  it('whose embedding is not as wide as the prompt’s', async () => {
    const b = new Builder('narrow');
    const x = b.input('pixel_values', 'float32', [1, 3, size, size]);
    const matrix = b.tensor(float32([192, width - 1], new Float32Array(192 * (width - 1)).fill(1)));
    b.output(b.matmul(b.op('Flatten', [x], { axis: 1 }), matrix), 'image_embeds');
    const folder = await writeModel(hps, { 'image.onnx': b.finish(), 'text.onnx': textTower() });
    const reward = await openImportedReward(engine, folder);
    await expect(openScoring(engine, reward, [1, 3, size, size])).rejects.toThrow(
      /5 numbers per image, the text tower 6/,
    );
  });

  it('whose head takes another width', async () => {
    const manifest = { ...plain, layout: 'aesthetic', head: { file: 'head.onnx' } };
    const b = new Builder('wide');
    const x = b.input('embedding', 'float32', [2, width + 1]);
    b.output(b.reduceMean(x, [1]), 'score');
    const folder = await writeModel(manifest, {
      'image.onnx': imageTower(),
      'head.onnx': b.finish(),
    });
    const reward = await openImportedReward(engine, folder);
    await expect(openScoring(engine, reward, [2, 3, size, size])).rejects.toThrow(
      /head\.onnx.*\[2,7\].*\[2,6\]/,
    );
    expect(await refusal(manifest, { 'image.onnx': imageTower(), 'head.onnx': head() })).toBe(
      'opened',
    );
  });

  it('whose data is gone, or lies outside its folder', async () => {
    const folder = await writeModel(plain, {});
    await writeExternal(join(folder, 'image.onnx'), model([1, 3, size, size]), 0);
    await rm(join(folder, 'model.onnx_data'));
    await expect(openImportedReward(engine, folder)).rejects.toThrow(/model\.onnx_data/);
    const graph = model([1, 3, size, size]);
    graph.constants.set('far', {
      dtype: 'float32',
      dims: [2000],
      external: { location: '../elsewhere.bin', offset: 0, length: 8000 },
    });
    expect(await refusal(plain, { 'image.onnx': graph })).toMatch(
      /"\.\.\/elsewhere\.bin".*outside/,
    );
  });

  it('of one graph without a manifest is asked the same', () => {
    expect(() => graphReward(model([1, 3, 8, 8]), 'x')).toThrow(/an input "image"/);
    expect(() => graphReward(model([1, 1, 8, 8], 1, 'image'), 'x')).toThrow(/RGB/);
    expect(() => graphReward(model([1, 3, 8, 8], 2, 'image'), 'x')).toThrow(/score_1/);
  });
});
