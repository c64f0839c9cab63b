import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { pipelineHash } from '@/trainer/diffusion/pipelines/hash';

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
