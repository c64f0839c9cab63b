import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { familyFolder } from '@/tests/support/family-pipelines';
import { PromptEncoder } from '@/trainer/diffusion/pipelines/networks';
import { openPipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { Engine } from '@/trainer/runtime/engine';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sdxl-'));
  await cp(join(familyFolder('tiny-sdxl'), 'pipeline'), folder, { recursive: true });
});
afterEach(() => rm(folder, { recursive: true }));

async function edit(path: string, change: Record<string, unknown>): Promise<void> {
  const file = join(folder, path);
  const json = JSON.parse(await readFile(file, 'utf8').catch(() => '{}'));
  await writeFile(file, JSON.stringify({ ...json, ...change }));
}

describe('what a UNet of SDXL is told', () => {
  it('has the sizes and the crop of conditioning.json, and zeros for no prompt where the index says so', async () => {
    await edit('conditioning.json', { originalSize: [512, 768], cropTopLeft: [3, 5] });
    await edit('model_index.json', { force_zeros_for_empty_prompt: false });
    const engine = await Engine.open({ device: 'cpu', threads: 1 });
    try {
      const encoder = await PromptEncoder.open(engine, await openPipeline(folder));
      const prompt = await encoder.encode('a bone');
      expect([...prompt.time_ids!.data]).toEqual([512, 768, 3, 5, 32, 32]);
      // Told so, no prompt is the empty one.
      expect(await encoder.encodeNone()).toEqual(await encoder.encode(''));
      expect(prompt).not.toEqual(await encoder.encode(''));

      await edit('model_index.json', { force_zeros_for_empty_prompt: undefined });
      const zeroing = await PromptEncoder.open(engine, await openPipeline(folder));
      const none = await zeroing.encodeNone();
      expect(none.encoder_hidden_states!.data.every((value) => value === 0)).toBe(true);
      expect([...none.time_ids!.data]).toEqual([512, 768, 3, 5, 32, 32]);
      expect(await zeroing.encode('')).toEqual(await encoder.encode(''));
    } finally {
      await engine.close();
    }
  });

  it('is refused in a setting that nobody knows', async () => {
    await edit('conditioning.json', { orginalSize: [512, 512] });
    await expect(openPipeline(folder)).rejects.toThrow(/conditioning\.json .+orginalSize/);
    await edit('conditioning.json', { orginalSize: undefined, targetSize: [512, 0] });
    await expect(openPipeline(folder)).rejects.toThrow(/conditioning\.json .+targetSize\.1/);
  });
});

describe('a folder of SDXL', () => {
  it.each([
    [{ _class_name: 'StableDiffusionXLImg2ImgPipeline' }, /starts from an image.+refiner is one/],
    [{ requires_aesthetics_score: true }, /requires_aesthetics_score: is said of a refiner/],
  ])('is refused as a refiner: %o', async (change, message) => {
    await edit('model_index.json', change);
    await expect(openPipeline(folder)).rejects.toThrow(message);
  });

  it('is refused where a file of the other tokenizer or encoder is missing, by its name', async () => {
    await rm(join(folder, 'tokenizer_2/tokenizer_config.json'));
    await expect(openPipeline(folder)).rejects.toThrow('tokenizer_2/tokenizer_config.json');
    await rm(join(folder, 'text_encoder_2/model.onnx'));
    await expect(openPipeline(folder)).rejects.toThrow('text_encoder_2/model.onnx');
  });

  it('is refused with the encoder of another pipeline', async () => {
    await cp(join(folder, 'text_encoder_2'), join(folder, 'text_encoder'), { recursive: true });
    const engine = await Engine.open({ device: 'cpu', threads: 1 });
    try {
      const encoder = await PromptEncoder.open(engine, await openPipeline(folder));
      await expect(encoder.encode('a bone')).rejects.toThrow(
        /unet\/model\.onnx takes \[77,80\] of a prompt as "encoder_hidden_states", but the text encoders beside it give \[77,96\]/,
      );
    } finally {
      await engine.close();
    }
  });

  it('is refused as a pipeline of another family', async () => {
    await edit('model_index.json', { _class_name: 'StableDiffusionPipeline' });
    await expect(openPipeline(folder)).rejects.toThrow(
      'takes "text_embeds", which a pipeline of the family Stable Diffusion does not give it',
    );
  });
});
