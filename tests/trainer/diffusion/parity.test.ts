import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Denoiser } from '@/trainer/diffusion/denoiser';
import { ImageDecoder, PromptEncoder } from '@/trainer/diffusion/networks';
import { openPipeline, type Pipeline } from '@/trainer/diffusion/pipeline';
import { readSafetensors } from '@/trainer/diffusion/safetensors';
import { Sampler } from '@/trainer/diffusion/sampler';
import { toFloat32 } from '@/trainer/graph/float16';
import { Engine } from '@/trainer/runtime/engine';
import { goldenFolder, goldenTensor, worstRelativeError } from '../../support/golden';

describe.skipIf(!goldenFolder)('the pipeline, against diffusers', () => {
  const folder = goldenFolder as string;
  let engine: Engine;
  let pipeline: Pipeline;
  beforeAll(async () => {
    engine = await Engine.open({ device: 'cpu', threads: 1 });
    pipeline = await openPipeline(join(folder, 'tiny-sd'));
  });
  afterAll(() => engine.close());

  const golden = async (name: string) => {
    const { tensors } = await readSafetensors(join(folder, `parity/${name}.safetensors`));
    return (tensor: string) => toFloat32(goldenTensor(tensors, tensor));
  };
  const rows = (data: Float32Array, count: number) =>
    Array.from({ length: count }, (_, row) =>
      data.subarray((row * data.length) / count, ((row + 1) * data.length) / count),
    );

  it('embeds prompts', async () => {
    const { prompts } = JSON.parse(await readFile(join(folder, 'parity/golden.json'), 'utf8'));
    const wanted = rows((await golden('text'))('last_hidden_state'), prompts.length);
    const encoder = await PromptEncoder.open(engine, pipeline);
    for (const [i, prompt] of prompts.entries()) {
      const error = worstRelativeError(await encoder.encode(prompt), wanted[i] as Float32Array);
      expect(error).toBeLessThan(1e-5);
    }
  });

  it('denoises', async () => {
    const unet = await golden('unet');
    const denoiser = await Denoiser.open(engine, pipeline, { images: 2, guidance: 1 });
    const embeddings = rows(unet('encoder_hidden_states'), 2);
    await denoiser.setPrompts(embeddings, embeddings[0] as Float32Array);
    const output = await denoiser.predict(unet('sample'), unet('timestep')[0] as number);
    expect(worstRelativeError(output, unet('out_sample'))).toBeLessThan(1e-5);
  });

  it('decodes images', async () => {
    const vae = await golden('vae_decoder');
    const decoder = await ImageDecoder.open(engine, pipeline, 2);
    // The golden pass starts behind the scaling and ends before the shift into [0, 1].
    const pixels = await decoder.decode(
      vae('latent_sample').map((v) => v * pipeline.scalingFactor),
    );
    const wanted = vae('sample').map((v) => Math.min(Math.max(v / 2 + 0.5, 0), 1));
    expect(worstRelativeError(pixels, wanted)).toBeLessThan(1e-5);
  });

  it('walks the guided trajectory', async () => {
    const path = await golden('trajectory');
    const settings = { steps: 5, eta: 1, guidance: 5 };
    const sampler = await Sampler.open(engine, pipeline, { images: 2, settings });
    const latents = rows(path('latents'), 6);
    const noise = rows(path('noise'), 5);
    const rollout = await sampler.rollout({
      latents: latents[0] as Float32Array,
      conditional: rows(path('cond'), 2),
      empty: path('uncond'),
      noise: (step) => noise[step] as Float32Array,
    });
    expect(rollout.timesteps).toEqual([...path('timesteps')]);
    for (const [step, state] of rollout.states.entries()) {
      expect(worstRelativeError(state, latents[step] as Float32Array)).toBeLessThan(1e-4);
    }
    const densities = rollout.logProbabilities.flatMap((values) => [...(values ?? [])]);
    expect(worstRelativeError(densities, path('log_prob'))).toBeLessThan(1e-4);
    const pixels = await sampler.decode(rollout.states.at(-1) as Float32Array);
    expect(worstRelativeError(pixels, path('image'))).toBeLessThan(1e-4);
    await sampler.release();
  });
});
