import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { pipelineFiles, pipelineHash } from '@/trainer/diffusion/pipelines/hash';
import { Builder } from '@/trainer/graph/builder';
import { serializeOnnx } from '@/trainer/graph/onnx/write';

let folder: string;

function write(file: string, text: string): void {
  mkdirSync(join(folder, file, '..'), { recursive: true });
  writeFileSync(join(folder, file), text);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'darkroom-pipeline-'));
  write('model_index.json', '{}');
  write('unet/model.onnx', 'weights');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('follows weights and their places, and nothing else', async () => {
  const hash = await pipelineHash(folder);
  expect(hash).toMatch(/^[0-9a-f]{64}$/);

  write('README.md', 'a card');
  expect(await pipelineHash(folder)).toBe(hash);

  write('unet/model.onnx', 'other weights');
  const changed = await pipelineHash(folder);
  expect(changed).not.toBe(hash);

  rmSync(join(folder, 'unet'), { recursive: true });
  write('vae/model.onnx', 'other weights');
  expect(await pipelineHash(folder)).not.toBe(changed);
});

it('names a folder that holds no pipeline', async () => {
  await expect(pipelineHash(join(folder, 'unet'))).rejects.toThrow(/unet holds no pipeline/);
  await expect(pipelineHash(join(folder, 'nowhere'))).rejects.toThrow(/nowhere holds no pipeline/);
});

/** A graph whose weight lies in a file of this name. */
function graphWithData(location: string): Uint8Array {
  const b = new Builder('unet');
  const weight = b.constant('weight', {
    dtype: 'float32',
    dims: [2],
    external: { location, offset: 0, length: 8 },
  });
  const x = b.input('x', 'float32', [2]);
  b.output(b.add(x, weight), 'y');
  return serializeOnnx(b.finish());
}

it.each(['model.onnx.data', 'weights', 'more/onnx__MatMul_17'])(
  'follows data that a graph keeps in %s, and nothing beside it',
  async (location) => {
    write('unet/note', 'no part of it');
    writeFileSync(join(folder, 'unet/model.onnx'), graphWithData(location));
    write(`unet/${location}`, '8 bytes.');
    expect((await pipelineFiles(folder)).hashed).toEqual(
      ['model_index.json', 'unet/model.onnx', `unet/${location}`].sort(),
    );
    const hash = await pipelineHash(folder);
    write('unet/note', 'changed');
    expect(await pipelineHash(folder)).toBe(hash);
    write(`unet/${location}`, 'others!.');
    expect(await pipelineHash(folder)).not.toBe(hash);
  },
);

it('hashes what links lead to like the files themselves, however they go in circles', async () => {
  const hash = await pipelineHash(folder);
  const linked = mkdtempSync(join(tmpdir(), 'darkroom-linked-'));
  symlinkSync(join(folder, 'model_index.json'), join(linked, 'model_index.json'));
  symlinkSync(join(folder, 'unet'), join(linked, 'unet'));
  symlinkSync(linked, join(linked, 'again'));
  expect(await pipelineHash(linked)).toBe(hash);
  write('unet/model.onnx', 'other weights');
  expect(await pipelineHash(linked)).not.toBe(hash);
  rmSync(linked, { recursive: true });
});
