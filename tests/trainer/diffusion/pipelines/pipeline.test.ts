import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeTinyPipeline } from '@/tests/support/tiny-pipeline';
import { openPipeline } from '@/trainer/diffusion/pipelines/pipeline';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pipeline-'));
  await writeTinyPipeline(folder);
});
afterEach(() => rm(folder, { recursive: true }));

async function edit(path: string, change: Record<string, unknown>): Promise<void> {
  const file = join(folder, path);
  const json = JSON.parse(await readFile(file, 'utf8'));
  await writeFile(file, JSON.stringify({ ...json, ...change }));
}

describe('a pipeline folder', () => {
  it('says what it holds', async () => {
    const pipeline = await openPipeline(folder);
    expect(pipeline.latentShape).toEqual([4, 8, 8]);
    expect(pipeline.conditioning).toEqual({ encoder_hidden_states: [16, 8] });
    expect(pipeline.scalingFactor).toBe(0.5);
    expect(pipeline.measure.room).toBe(14);
    expect(pipeline.scheduler.timesteps(2)).toEqual([501, 1]);
  });

  it.each([
    'model_index.json',
    'unet/model.onnx',
    'unet/config.json',
    'vae_decoder/model.onnx',
    'text_encoder/model.onnx',
    'scheduler/scheduler_config.json',
    'tokenizer/tokenizer_config.json',
  ])('is refused without %s', async (path) => {
    await rm(join(folder, path));
    await expect(openPipeline(folder)).rejects.toThrow(join(folder, path));
  });

  it('needs of its tokenizer the parts or the whole', async () => {
    await rm(join(folder, 'tokenizer/vocab.json'));
    await expect(openPipeline(folder)).resolves.toBeDefined();
    await rm(join(folder, 'tokenizer/tokenizer.json'));
    await expect(openPipeline(folder)).rejects.toThrow(
      `${join(folder, 'tokenizer/vocab.json')} does not exist`,
    );
    await rm(join(folder, 'tokenizer/merges.txt'));
    await expect(openPipeline(folder)).rejects.toThrow(
      /vocab\.json does not exist, nor does .*tokenizer\.json: .*or from tokenizer\.json/,
    );
  });

  it('is refused when a model is truncated', async () => {
    await truncate(join(folder, 'unet/model.onnx'), 1000);
    await expect(openPipeline(folder)).rejects.toThrow(/unet\/model\.onnx .*[Ee]xport or download/);
  });

  it('is refused when it is of another class', async () => {
    await edit('model_index.json', { _class_name: 'FluxPipeline' });
    await expect(openPipeline(folder)).rejects.toThrow(
      'FluxPipeline is no pipeline that Darkroom can train yet; take one of StableDiffusionPipeline',
    );
  });

  it('is refused when its parts do not fit', async () => {
    await edit('unet/config.json', { cross_attention_dim: 768 });
    await expect(openPipeline(folder)).rejects.toThrow(
      '"encoder_hidden_states" has shape [batch_size,16,8], but the configuration beside it promises [?,16,768]',
    );
    await edit('unet/config.json', { cross_attention_dim: 8, in_channels: 9 });
    await expect(openPipeline(folder)).rejects.toThrow('out_channels is 4, in_channels 9');
  });

  it('is refused when its schedule cannot be followed', async () => {
    await edit('scheduler/scheduler_config.json', { _class_name: 'TCDScheduler' });
    await expect(openPipeline(folder)).rejects.toThrow(
      /scheduler_config\.json .*_class_name: TCDScheduler .*or a DDIM one/,
    );
  });

  it('shifts a flow by the size of its images where the file says so', async () => {
    const file = join(folder, 'scheduler/scheduler_config.json');
    const flow = { _class_name: 'FlowMatchEulerDiscreteScheduler', use_dynamic_shifting: true };
    await writeFile(file, JSON.stringify(flow));
    await expect(openPipeline(folder)).rejects.toThrow('by sample_size and patch_size');
    await mkdir(join(folder, 'transformer'));
    const config = JSON.stringify({ sample_size: 128, patch_size: 2 });
    await writeFile(join(folder, 'transformer/config.json'), config);
    // 64 × 64 tokens: the file's largest shift, 1.15.
    expect((await openPipeline(folder)).scheduler.text).toContain(
      `shifted by ${Math.exp(1.15).toPrecision(4)} for this size`,
    );
  });

  it('reads what Python writes for numbers that JSON has not', async () => {
    const file = join(folder, 'scheduler/scheduler_config.json');
    const note = 'NaN, \\"-Infinity\\" stays';
    await writeFile(
      file,
      `{"_class_name": "DPMSolverMultistepScheduler", "lambda_min_clipped": -Infinity, "upper": Infinity, "none": NaN, "steps_offset": 1, "note": "${note}"}`,
    );
    expect((await openPipeline(folder)).scheduler.timesteps(2)).toEqual([999, 0]);
    await writeFile(file, '{"_class_name": "DDIMScheduler", "beta_start": Infinity}');
    await expect(openPipeline(folder)).rejects.toThrow('beta_start');
  });
});
