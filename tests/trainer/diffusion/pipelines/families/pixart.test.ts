import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { groups } from '@/tests/parity/cases';
import { formatCase, passed, runCases } from '@/tests/parity/report';
import { familyFolder } from '@/tests/support/family-pipelines';
import { comfyPixartNames } from '@/tests/support/lora-tables';
import { adapterSites } from '@/trainer/diffusion/adapters/sites';
import { PromptEncoder } from '@/trainer/diffusion/pipelines/networks';
import { openPipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { readOnnxFile } from '@/trainer/graph/onnx/read';
import { Engine } from '@/trainer/runtime/engine';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

let home: string;
let folder: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pixart-'));
  folder = join(home, 'pipeline');
  await cp(join(familyFolder('tiny-pixart'), 'pipeline'), folder, { recursive: true });
});
afterEach(() => rm(home, { recursive: true }));

async function edit(path: string, change: Record<string, unknown>): Promise<void> {
  const file = join(folder, path);
  const json = JSON.parse((await readFile(file, 'utf8')).replace('-Infinity', 'null'));
  await writeFile(file, JSON.stringify({ ...json, ...change }));
}

describe('what a transformer of PixArt is told', () => {
  it('is 120 rows of the prompt in lower case, which of them are none of padding, and the size', async () => {
    const pipeline = await openPipeline(folder);
    expect(pipeline.conditioning).toEqual({
      encoder_hidden_states: [120, 20],
      encoder_attention_mask: [120],
      resolution: [2],
      aspect_ratio: [1],
    });
    const encoder = await PromptEncoder.open(engine, pipeline);
    const prompt = await encoder.encode(' A Bone ');
    expect(prompt).toEqual(await encoder.encode('a bone'));
    const used = prompt.encoder_attention_mask!.data.reduce((sum, one) => sum + one, 0);
    expect([...prompt.encoder_attention_mask!.data].slice(0, used)).not.toContain(0);
    expect(used).toBe((pipeline.measure.tokensOf('a bone') ?? 0) + 1);
    expect([...prompt.resolution!.data, ...prompt.aspect_ratio!.data]).toEqual([32, 32, 1]);
    // No prompt is the empty one, of which the end alone is no padding.
    const none = await encoder.encodeNone();
    expect(none).toEqual(await encoder.encode(''));
    expect([...none.encoder_attention_mask!.data].filter((one) => one !== 0)).toEqual([1]);
  });

  it('is 300 rows and no size in PixArt-Σ, with the same numbers as PyTorch’s', async () => {
    await cp(familyFolder('tiny-pixart-sigma'), home, { recursive: true });
    expect((await openPipeline(folder)).conditioning).toEqual({
      encoder_hidden_states: [300, 20],
      encoder_attention_mask: [300],
    });
    const results = [];
    for await (const result of runCases(await groups.pipeline(engine, home))) results.push(result);
    expect(results.filter((result) => !passed(result)).map(formatCase)).toEqual([]);
    expect(results.map(({ name }) => name)).toEqual(['conditioning', 'transformer']);
  });

  it('has sizes where its file leaves it to the side of its latents, and that is 128', async () => {
    await edit('transformer/config.json', { use_additional_conditions: null });
    await expect(openPipeline(folder)).rejects.toThrow(
      /takes "resolution", which a pipeline of the family PixArt Alpha does not give it.+docs\/pixart\.md/,
    );
    await edit('transformer/config.json', { sample_size: 128 });
    expect((await openPipeline(folder)).conditioning.resolution).toEqual([2]);
  });
});

describe('a network that predicts its variance', () => {
  it('gives the noise alone, with the names of its nodes kept', async () => {
    const { denoiser, latentShape } = await openPipeline(folder);
    expect(latentShape).toEqual([4, 8, 8]);
    const [output] = denoiser.graph.outputs;
    expect(output).toMatchObject({ name: 'out_hidden_states' });
    expect(output!.dims[1]).toBe(4);
    const whole = await readOnnxFile(join(folder, 'transformer/model.onnx'));
    expect(denoiser.graph.nodes.slice(0, whole.nodes.length).map(({ name }) => name)).toEqual(
      whole.nodes.map(({ name }) => name),
    );
  });

  it('is refused with other channels than twice those it takes', async () => {
    await edit('transformer/config.json', { out_channels: 12 });
    await expect(openPipeline(folder)).rejects.toThrow('out_channels is 12, in_channels 4');
  });

  it('is refused in another family', async () => {
    await edit('model_index.json', { _class_name: 'SanaPipeline' });
    await expect(openPipeline(folder)).rejects.toThrow(/out_channels is 8.+learned variance/);
  });
});

it('a T5 that would read padding is refused', async () => {
  // That of Stable Diffusion 3 has the same weights.
  const other = join(familyFolder('tiny-sd3'), 'pipeline/text_encoder_3');
  await cp(other, join(folder, 'text_encoder'), { recursive: true });
  await expect(openPipeline(folder)).rejects.toThrow(
    /text_encoder\/model\.onnx takes input_ids, but no attention_mask.+Export it with input_ids and attention_mask/,
  );
});

it('an adapter has the names that ComfyUI knows of it, attention and the rest', async () => {
  const { denoiser } = await openPipeline(folder);
  const sites = adapterSites(denoiser.graph, 'attention+feed-forward+convolutions');
  const names = [...sites.values()].map(({ prefix, key }) => `${prefix}.${key}`);
  expect(new Set(names)).toEqual(comfyPixartNames(2));
});
