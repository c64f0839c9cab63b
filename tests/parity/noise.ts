/**
 * @file Parity of Diffusion-DPO: the loss and adapter gradients of two finished images under shared
 * noise.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Adapter, checkAdapter } from '@/trainer/diffusion/adapters/lora';
import { takesScalarTimestep, timestepFeed } from '@/trainer/diffusion/denoise/inputs';
import { openPipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { noised } from '@/trainer/diffusion/schedulers/noising';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { concatenated, float32, type Tensor, zeros } from '@/trainer/graph/tensor';
import { appendDiffusionDpoLoss } from '@/trainer/methods/diffusion-dpo';
import { buildNoiseStep } from '@/trainer/methods/noised-images/noise-step';
import { accumulated } from '@/trainer/methods/optimizer/accumulation';
import { buildDenoise } from '@/trainer/methods/policy/denoise';
import { trainableAdapter } from '@/trainer/methods/policy/trainable';
import { type Engine, outputOf } from '@/trainer/runtime/engine';
import { Golden, readJson } from './golden';
import { type ParityCase, relativeError, relativeL2, tolerance } from './report';

/** `parity/diffusion_dpo.safetensors`, where there is one. */
export async function noiseCases(engine: Engine, folder: string): Promise<ParityCase[]> {
  const there = existsSync(join(folder, 'parity/diffusion_dpo.safetensors'));
  return there ? [{ name: 'diffusion_dpo', run: () => check(engine, folder) }] : [];
}

async function check(engine: Engine, folder: string) {
  const parity = join(folder, 'parity');
  const golden = await Golden.read(parity, 'diffusion_dpo');
  const { diffusion_dpo: settings } = await readJson<{ diffusion_dpo: { beta: number } }>(
    join(parity, 'golden.json'),
  );
  const { denoiser, scheduler } = await openPipeline(join(folder, 'tiny-sd'));
  const lora = await Golden.read(parity, 'lora');
  const trainable = trainableAdapter(denoiser.graph, 'attention', 4, 4);
  const adapter: Adapter = checkAdapter(lora.tensors, trainable.tensors, 'lora.safetensors');
  const [, c, h, w] = golden.get('noise').dims as [number, number, number, number];
  const [, tokens, width] = golden.get('cond').dims as [number, number, number];
  const context = { encoder_hidden_states: [tokens, width] };
  const shape = { images: 2, latent: [c, h, w], context };
  const timestep = Number(golden.get('timestep').data[0]);
  const noise = golden.floats('noise').data;
  const pair = ['w', 'l'].map((which) =>
    noised(scheduler, timestep, golden.floats(`latents_${which}`).data, noise),
  );
  const cond = golden.floats('cond').data;
  const common = {
    latents: float32([2, c, h, w], concatenated(pair.map(({ latents }) => latents))),
    target: float32([2, c, h, w], concatenated(pair.map(({ target }) => target))),
    timestep: timestepFeed(takesScalarTimestep(denoiser.graph), [timestep, timestep]),
    encoder_hidden_states: float32([2, tokens, width], concatenated([cond, cond])),
  };
  const base = await engine.load(
    serializeOnnx(buildDenoise(trainable, { ...shape, guidance: 1 }, 'base')),
    {
      name: 'base',
      externalDataFolder: denoiser.folder,
    },
  );
  const { target, ...inputs } = common;
  const referenceOutput = outputOf(await base.run(inputs, {}), 'output', 'float32');
  await base.release();
  const graph = buildNoiseStep(trainable, shape, {
    append: (b, { excess }) =>
      appendDiffusionDpoLoss(
        b,
        excess,
        {
          preference: b.tensor(float32([1, 2], [1, -1])),
          weight: b.tensor(float32([1], [1])),
        },
        settings,
      ),
    withOld: false,
  });
  const session = await engine.load(serializeOnnx(graph), {
    name: 'diffusion_dpo',
    externalDataFolder: denoiser.folder,
  });
  const out = await session.run(
    {
      ...inputs,
      target,
      spread: float32([2], [1, 1]),
      referenceOutput,
      keepSum: float32([], [0]),
      ...Object.fromEntries(adapter),
      ...Object.fromEntries(
        trainable.tensors.map(({ name, dims }) => [accumulated(name), zeros('float32', dims)]),
      ),
    },
    {},
  );
  await session.release();
  const wanted = golden.gradients();
  return {
    forward: relativeError(margin(out.loss as Tensor), margin(golden.get('loss'))),
    gradient: relativeL2(
      [...wanted.keys()].map((key) => out[`${accumulated(key)}.next`]!),
      [...wanted.values()],
    ),
    gradientLimit: tolerance.adapterGradient,
  };
}

/**
 * The argument of the sigmoid that a loss belongs to. At β = 5000 it is what float32 resolves:
 * errors near 1, of which the reference subtracts two, leave it 3e-4 unsure, and a loss near e⁻ᵐ is
 * as unsure relatively.
 */
function margin(loss: Tensor): Tensor {
  return float32([1], [-Math.log(Math.expm1(Number(loss.data[0])))]);
}
