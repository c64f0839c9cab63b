import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSafetensors } from '@/trainer/formats/safetensors';
import { Builder } from '@/trainer/graph/builder';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { expectDtype, type Tensor } from '@/trainer/graph/tensor';
import { buildClipText, clipTextConfigSchema } from '@/trainer/hands/networks/clip-text';
import { Layers } from '@/trainer/hands/networks/layers';
import { buildUnet, unetConfigSchema } from '@/trainer/hands/networks/unet';
import { Engine, outputOf } from '@/trainer/runtime/engine';

const golden = fileURLToPath(new URL('../../../../../shared/golden', import.meta.url));
const weightsFolder = join(golden, 'tiny-sd-diffusers');

async function open(folder: string, file: string) {
  const { tensors } = await readSafetensors(join(weightsFolder, folder, file));
  const builder = new Builder(folder);
  const used = new Set<string>();
  const layers = new Layers(builder, (name, dims) => {
    const tensor = tensors.get(name);
    expect(tensor?.dims, name).toEqual(dims);
    used.add(name);
    return builder.constant(name, tensor as Tensor);
  });
  const config = JSON.parse(readFileSync(join(weightsFolder, folder, 'config.json'), 'utf8'));
  return { tensors, builder, used, layers, config };
}

function worstError(got: Float32Array, wanted: Float32Array): number {
  const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return got.reduce(
    (most, value, at) => Math.max(most, Math.abs(value - wanted[at]!) / largest),
    0,
  );
}

describe.skipIf(!existsSync(golden))('networks against diffusers and transformers', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.open({ device: 'cpu', threads: 1 });
  });
  afterAll(() => engine.close());

  test('the UNet takes diffusers weights and predicts what diffusers predicts', async () => {
    const { builder, layers, config, used, tensors } = await open(
      'unet',
      'diffusion_pytorch_model.safetensors',
    );
    const { tensors: parity } = await readSafetensors(join(golden, 'parity', 'unet.safetensors'));
    const sample = builder.input('sample', 'float32', [2, 4, 8, 8]);
    const timestep = builder.input('timestep', 'int64', [1]);
    const context = builder.input('encoder_hidden_states', 'float32', [2, 77, 32]);
    const noise = buildUnet(layers, unetConfigSchema.parse(config), { sample, timestep, context });
    builder.output(noise, 'out_sample');
    expect([...used].sort()).toEqual([...tensors.keys()].sort());

    const session = await engine.load(serializeOnnx(builder.finish()), { name: 'unet' });
    const outputs = await session.run({
      sample: parity.get('sample') as Tensor,
      timestep: parity.get('timestep') as Tensor,
      encoder_hidden_states: parity.get('encoder_hidden_states') as Tensor,
    });
    const wanted = expectDtype(parity.get('out_sample') as Tensor, 'float32', 'out_sample').data;
    expect(worstError(outputOf(outputs, 'out_sample', 'float32').data, wanted)).toBeLessThan(1e-4);
  });

  test('the text encoder takes transformers weights and gives what transformers gives', async () => {
    const { builder, layers, config, used, tensors } = await open(
      'text_encoder',
      'model.safetensors',
    );
    const { tensors: parity } = await readSafetensors(join(golden, 'parity', 'text.safetensors'));
    const ids = builder.input('input_ids', 'int64', [5, 77]);
    builder.output(buildClipText(layers, clipTextConfigSchema.parse(config), ids), 'hidden');
    expect([...used].sort()).toEqual([...tensors.keys()].sort());

    const session = await engine.load(serializeOnnx(builder.finish()), { name: 'text' });
    const outputs = await session.run({ input_ids: parity.get('input_ids') as Tensor });
    const wanted = parity.get('last_hidden_state') as Tensor;
    const got = outputOf(outputs, 'hidden', 'float32');
    expect(got.dims).toEqual(wanted.dims);
    expect(worstError(got.data, expectDtype(wanted, 'float32', 'hidden').data)).toBeLessThan(1e-4);
  });

  test('a configuration that would change the numbers is refused', () => {
    expect(() => unetConfigSchema.parse({ flip_sin_to_cos: false })).toThrow(/flip_sin_to_cos/);
  });
});
