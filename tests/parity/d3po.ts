/** @file D3PO parity: log-probabilities, loss and adapter gradients of single timesteps of single pairs. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { appendGuidedOutput } from '@/trainer/diffusion/guided-output';
import { type Adapter, checkAdapter } from '@/trainer/diffusion/lora';
import { DdimScheduler } from '@/trainer/diffusion/schedulers/ddim';
import { scheduleConfigSchema } from '@/trainer/diffusion/schedulers/schedule';
import { stepFeeds } from '@/trainer/diffusion/transition';
import { Builder } from '@/trainer/graph/builder';
import { readOnnxFile } from '@/trainer/graph/onnx/read';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, type Tensor, zeros } from '@/trainer/graph/tensor';
import { accumulated } from '@/trainer/methods/accumulation';
import { appendD3poLoss } from '@/trainer/methods/d3po';
import { trainableAdapter } from '@/trainer/methods/trainable';
import { buildTransitionStep } from '@/trainer/methods/transition-step';
import type { Engine } from '@/trainer/runtime/engine';
import { Golden, readJson } from './golden';
import { type ParityCase, relativeError, relativeL2, tolerance } from './report';

interface D3poCase {
  case: number;
  timestep: number;
  lora_B_multiplied_by: number;
  beta: number;
  h: [number, number];
  eps_clip: number;
  num_inference_steps: number;
  eta: number;
  guidance_scale: number;
}

/** Every `d3po_K_clip` and `d3po_K_noclip` that `parity/` holds, with the UNet of `tiny-sd/`. */
export async function d3poCases(engine: Engine, folder: string): Promise<ParityCase[]> {
  const parity = join(folder, 'parity');
  if (!existsSync(join(parity, 'golden.json'))) return [];
  const { d3po } = await readJson<{ d3po?: D3poCase[] }>(join(parity, 'golden.json'));
  return (d3po ?? []).flatMap((settings) =>
    (['clip', 'noclip'] as const).flatMap((kind) => {
      const name = `d3po_${settings.case}_${kind}`;
      if (!existsSync(join(parity, `${name}.safetensors`))) return [];
      return [{ name, run: () => checkCase(engine, folder, name, settings, kind === 'clip') }];
    }),
  );
}

async function checkCase(
  engine: Engine,
  folder: string,
  name: string,
  settings: D3poCase,
  clip: boolean,
) {
  const golden = await Golden.read(join(folder, 'parity'), name);
  const unet = await readOnnxFile(join(folder, 'tiny-sd/unet/model.onnx'));
  const schedule = scheduleConfigSchema.parse(
    await readJson(join(folder, 'tiny-sd/scheduler/scheduler_config.json')),
  );
  const lora = await Golden.read(join(folder, 'parity'), 'lora');
  const trainable = trainableAdapter(unet, 'attention', 4, 4);
  const adapter: Adapter = checkAdapter(lora.tensors, trainable.tensors, 'lora.safetensors');
  const [, c, h, w] = golden.get('latents_0').dims as [number, number, number, number];
  const [, tokens, width] = golden.get('cond').dims as [number, number, number];
  const graph = buildTransitionStep(
    trainable,
    {
      images: 2,
      latent: [c, h, w],
      context: [tokens, width],
      guidance: settings.guidance_scale,
      clip: Number.POSITIVE_INFINITY,
    },
    {
      append: (b, values) =>
        appendD3poLoss(
          b,
          {
            logProbability: b.reshape(values.logProbability, [1, 2]),
            referenceLogProbability: b.reshape(values.referenceLogProbability, [1, 2]),
            preference: b.input('preference', 'float32', [1, 2]),
            weight: b.scalar(1),
          },
          { beta: settings.beta, ...(clip ? { clipRange: settings.eps_clip } : {}) },
        ).loss,
    },
  );
  const both = (key: string) =>
    float32(
      [2, c, h, w],
      Float32Array.from([...golden.floats(`${key}_0`).data, ...golden.floats(`${key}_1`).data]),
    );
  const cond = golden.floats('cond');
  const step = new DdimScheduler(schedule).coefficients(
    settings.timestep,
    settings.num_inference_steps,
    settings.eta,
  );
  const common = {
    latents: both('latents'),
    timestep: { ...golden.get('timestep'), dims: [] } as Tensor,
    context: float32([2, tokens, width], Float32Array.from([...cond.data, ...cond.data])),
    emptyContext: golden.floats('uncond'),
  };
  const reference = new Builder('reference', { ...unet.opsets });
  const output = appendGuidedOutput(reference, unet, {
    sample: reference.input('latents', 'float32', [2, c, h, w]),
    timestep: reference.input('timestep', 'int64', []),
    context: reference.input('context', 'float32', [2, tokens, width]),
    emptyContext: reference.input('emptyContext', 'float32', [1, tokens, width]),
    guidance: settings.guidance_scale,
  });
  reference.output(output, 'output');
  const referenceSession = await engine.load(serializeOnnx(reference.finish()), {
    name: 'reference',
  });
  const referenceOutput = (await referenceSession.run(common, {})).output as Tensor;
  await referenceSession.release();
  const session = await engine.load(serializeOnnx(graph), { name });
  const out = await session.run(
    {
      ...common,
      ...stepFeeds([step, step]),
      nextLatents: both('next_latents'),
      referenceOutput,
      keepSum: float32([], [0]),
      preference: float32([1, 2], settings.h),
      ...Object.fromEntries(
        [...adapter].map(([key, value]) => [
          key,
          scaledUp(key, value, settings.lora_B_multiplied_by),
        ]),
      ),
      ...Object.fromEntries(
        trainable.tensors.map(({ name: key, dims }) => [accumulated(key), zeros('float32', dims)]),
      ),
    },
    {},
  );
  await session.release();
  const pair = (a: string, b: string) =>
    float32([2], [golden.floats(a).data[0] as number, golden.floats(b).data[0] as number]);
  const wanted = golden.gradients();
  const keys = [...wanted.keys()];
  return {
    forward: Math.max(
      relativeError(out.logProbability as Tensor, pair('log_prob_0', 'log_prob_1')),
      relativeError(
        out.referenceLogProbability as Tensor,
        pair('ref_log_prob_0', 'ref_log_prob_1'),
      ),
      relativeError({ ...(out.loss as Tensor), dims: [1] } as Tensor, golden.get('loss')),
    ),
    gradient: relativeL2(
      keys.map((key) => out[`${accumulated(key)}.next`] as Tensor),
      [...wanted.values()],
    ),
    gradientLimit: tolerance.adapterGradient,
  };
}

function scaledUp(key: string, value: Tensor<'float32'>, factor: number): Tensor<'float32'> {
  return key.endsWith('lora_B.weight')
    ? float32(
        value.dims,
        value.data.map((x) => x * factor),
      )
    : value;
}
