/**
 * @file Pipeline parity: text, UNet with and without an adapter, decoder, DDIM steps and a guided
 * trajectory.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { attachAdapter } from '@/trainer/diffusion/adapters/lora';
import { adapterSites } from '@/trainer/diffusion/adapters/sites';
import { Denoiser, type PolicyWeights } from '@/trainer/diffusion/denoise/denoiser';
import { denoiserKinds } from '@/trainer/diffusion/denoiser-kinds';
import { appendLatents, vaeEncoderOf } from '@/trainer/diffusion/images/vae-encoder';
import type { Conditioning } from '@/trainer/diffusion/pipelines/conditioning';
import type { ReadText } from '@/trainer/diffusion/pipelines/layouts';
import { ImageDecoder, PromptEncoder } from '@/trainer/diffusion/pipelines/networks';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { outputNamed, TextNetwork } from '@/trainer/diffusion/pipelines/text-network';
import { Sampler } from '@/trainer/diffusion/sampling/sampler';
import { takeStep } from '@/trainer/diffusion/schedulers/step';
import { Builder } from '@/trainer/graph/builder';
import { numbersOf } from '@/trainer/graph/numbers';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, sizeOf, type Tensor } from '@/trainer/graph/tensor';
import { type Engine, outputOf } from '@/trainer/runtime/engine';
import { Golden, readJson } from './golden';
import { goldenPipelineFolder, parityFolder, withGoldenPipeline } from './golden-pipeline';
import { goldenAdapter } from './lora';
import { promptsOf } from './prompts';
import { type ParityCase, relativeError } from './report';

interface Setting {
  engine: Engine;
  pipeline: Pipeline;
  folder: string;
  golden: Golden;
}

const cases: Readonly<Record<string, (setting: Setting) => Promise<number>>> = {
  text: textError,
  conditioning: conditioningError,
  unet: (setting) => denoiserError(setting),
  unet_lora: async (setting) => denoiserError(setting, await adapterPolicy(setting)),
  transformer: (setting) => denoiserError(setting),
  transformer_wide: (setting) => denoiserError(setting),
  transformer_lora: async (setting) => denoiserError(setting, await adapterPolicy(setting)),
  transformer_lora_joint: async (setting) =>
    denoiserError(setting, await adapterPolicy(setting, 'lora_joint')),
  vae_decoder: decoderError,
  vae_encoder: encoderError,
  ddim: async (setting) => ddimError(setting),
  trajectory: (setting) => trajectoryError(setting),
  trajectory_sde: stochasticError,
};

/** Whichever of the cases `parity/` holds, with the pipeline beside it. */
export async function pipelineCases(engine: Engine, folder: string): Promise<ParityCase[]> {
  const parity = parityFolder(folder);
  if (!goldenPipelineFolder(folder) || !existsSync(parity)) return [];
  return Object.entries(cases)
    .filter(([name]) => existsSync(join(parity, `${name}.safetensors`)))
    .map(([name, errorOf]) => ({
      name,
      run: async () => {
        const golden = await Golden.read(parity, name);
        const use = async (pipeline: Pipeline) => ({
          forward: await errorOf({ engine, pipeline, folder, golden }),
        });
        return withGoldenPipeline(folder, use, name === 'text' ? textSettings(golden) : undefined);
      },
    }));
}

/** The error of values that the reference holds in whatever shape. */
function errorOf(values: ArrayLike<number>, reference: Tensor): number {
  return relativeError(float32(reference.dims, Float32Array.from(values)), reference);
}

function rowsOf({ data, dims }: Tensor<'float32'>): Float32Array[] {
  const count = dims[0]!;
  const size = data.length / count;
  return Array.from({ length: count }, (_, row) => data.subarray(row * size, (row + 1) * size));
}

/** Pieces are encoded in as many tokens as the reference's. */
function textSettings({ tensors }: Golden): object | undefined {
  const ids = tensors.get('input_ids_3') ?? tensors.get('input_ids')!;
  return tensors.has('input_ids_3') || tensors.has('attention_mask')
    ? { maxSequenceLength: ids.dims[1], instruction: [] }
    : undefined;
}

async function textError({ engine, pipeline, folder, golden }: Setting): Promise<number> {
  const { prompts } = await readJson<{ prompts: string[] }>(
    join(parityFolder(folder), 'golden.json'),
  );
  let worst = 0;
  for (const [encoder, component] of pipeline.textEncoders) {
    const { tokenizer, graph, outputs } = component;
    const wanted = golden.get(encoder.replace('text_encoder', 'input_ids')) as Tensor<'int64'>;
    prompts.forEach((prompt, row) => {
      const ids = tokenizer.read(prompt).ids;
      const at = ids.findIndex((id, i) => BigInt(id) !== wanted.data[row * ids.length + i]);
      if (at < 0 && ids.length === wanted.dims[1]) return;
      throw new Error(
        `${encoder}: the tokens of "${prompt}" differ: ${ids[at]}, not ${wanted.data[row * ids.length + at]}, at ${at}.`,
      );
    });
    const network = await TextNetwork.open(engine, component);
    const texts: ReadText[] = [];
    for (const prompt of prompts) texts.push(await network.read(prompt));
    await network.release();
    for (const output of outputs) {
      const name = outputNamed(graph, output);
      const long = `${encoder}.${name}`;
      const values = texts.flatMap((text) => [...text.outputs[output]!.data]);
      const reference = golden.output(golden.tensors.has(long) ? long : name);
      worst = Math.max(worst, errorOf(values, reference));
    }
  }
  return worst;
}

/** What the denoiser is told of the first prompt, of none, and of the empty one. */
async function conditioningError({ engine, pipeline, folder, golden }: Setting): Promise<number> {
  const { conditioning } = await readJson<{ conditioning: { prompt: string } }>(
    join(parityFolder(folder), 'golden.json'),
  );
  const errorsOf = async (opened: Pipeline, named: (of: string) => string) => {
    const encoder = await PromptEncoder.open(engine, opened);
    const given: [string, Conditioning][] = [
      [named('cond'), await encoder.encode(conditioning.prompt)],
      [named('uncond'), await encoder.encodeNone()],
      [named('empty'), await encoder.encode('')],
    ];
    await encoder.release();
    return given.flatMap(([of, tensors]) =>
      Object.entries(tensors).flatMap(([port, value]) => {
        const key = port === 'encoder_hidden_states' ? of : `${of}.${port}`;
        if (!golden.tensors.has(key)) return [];
        return [relativeError(value, golden.floats(key, value.dims))];
      }),
    );
  };
  const errors = await errorsOf(pipeline, (of) => of);
  if (errors.length < 2) throw new Error('conditioning.safetensors lacks cond and uncond.');
  // The same with diffusers' defaults, where the rest was made with others.
  const byDefault = [(of: string) => `${of}_256`, (of: string) => `instruction.${of}`].find(
    (name) => golden.tensors.has(name('cond')),
  );
  if (byDefault) {
    const more = await withGoldenPipeline(folder, (opened) => errorsOf(opened, byDefault), {});
    errors.push(...more);
  }
  return Math.max(...errors);
}

async function adapterPolicy({ pipeline, folder }: Setting, name = 'lora'): Promise<PolicyWeights> {
  const unet = pipeline.denoiser.graph;
  const { adapter, scale } = await goldenAdapter(folder, unet, name);
  const onNode = attachAdapter(adapterSites(unet, 'attention'), (key) => key, scale);
  return { denoiser: unet, feeds: {}, onNode, tensors: adapter };
}

/** A pass at the size of latents that the reference has. */
async function denoiserError(
  { engine, pipeline, golden }: Setting,
  policy?: PolicyWeights,
): Promise<number> {
  const { sample, output: given } = denoiserKinds[pipeline.layout.denoiser];
  const embeddings = promptsOf(golden, pipeline.conditioning);
  const images = embeddings.length;
  const latents = golden.floats(sample);
  const [, c, h, w] = latents.dims as [number, number, number, number];
  const sized: Pipeline = { ...pipeline, latentShape: [c, h, w] };
  const denoiser = await Denoiser.open(engine, sized, { images, guidance: 1, policy });
  await denoiser.setPrompts(embeddings, embeddings[0]!);
  const [timestep] = numbersOf(golden.get('timestep')) as [number];
  const output = await denoiser.predict(latents.data, timestep);
  await denoiser.release();
  return errorOf(output, golden.output(given));
}

async function decoderError({ engine, pipeline, golden }: Setting): Promise<number> {
  const latents = golden.floats('latent_sample');
  const decoder = await ImageDecoder.open(engine, pipeline, latents.dims[0]!);
  // The reference is the bare network: undo the scaling before it and the shift into [0, 1] behind
  // it.
  const { scalingFactor, shiftFactor } = pipeline;
  const scaled = latents.data.map((value) => (value - shiftFactor) * scalingFactor);
  const pixels = await decoder.decode(scaled);
  await decoder.release();
  const wanted = golden.output('sample');
  const clamped = wanted.data.map((value) => Math.min(Math.max(value, -1), 1));
  return errorOf(
    pixels.map((value) => value * 2 - 1),
    float32(wanted.dims, clamped),
  );
}

/** Of the reference's bare network: its mean as latents, and images from −1 to 1. */
async function encoderError({ engine, pipeline, golden }: Setting): Promise<number> {
  const images = golden.floats('sample');
  const { graph, folder } = vaeEncoderOf(pipeline);
  const b = new Builder('image encoder');
  const unit = b.scale(b.add(b.input('images', 'float32', images.dims), b.scalar(1)), 0.5);
  b.output(appendLatents(b, graph, unit, pipeline), 'latents');
  const session = await engine.load(serializeOnnx(b.finish()), {
    name: 'image encoder',
    externalDataFolder: folder,
  });
  const latents = outputOf(await session.run({ images }), 'latents', 'float32');
  await session.release();
  const { scalingFactor, shiftFactor } = pipeline;
  const name = golden.tensors.has('latent_sample') ? 'latent_sample' : 'latent_parameters';
  const wanted = golden.output(name);
  const mean = float32(latents.dims, wanted.data.subarray(0, latents.data.length));
  return errorOf(
    latents.data.map((value) => value / scalingFactor + shiftFactor),
    mean,
  );
}

function ddimError({ pipeline: { scheduler }, golden }: Setting): number {
  const timesteps = Array.from(golden.get('timesteps').data, Number);
  const steps = timesteps.length;
  if (scheduler.timesteps(steps).join() !== timesteps.join()) {
    throw new Error(`Timesteps are ${scheduler.timesteps(steps)}, not ${timesteps}.`);
  }
  const sample = golden.floats('sample').data;
  const output = golden.floats('model_output').data;
  const images = golden.get('sample').dims[0]!;
  const rows = (key: string) => rowsOf(golden.floats(key));
  const [noise, previous, original, densities] = [
    rows('noise'),
    rows('prev_sample'),
    rows('pred_original_sample'),
    rows('log_prob'),
  ];
  let worst = 0;
  for (const [i, timestep] of timesteps.entries()) {
    const step = takeStep(scheduler.coefficients(timestep, steps, 1), images, {
      sample,
      output,
      noise: noise[i]!,
    });
    for (const [values, reference] of [
      [step.previous, previous[i]],
      [step.original, original[i]],
      [step.logProbabilities ?? [], densities[i]],
    ] as const) {
      const wanted = reference as Float32Array;
      worst = Math.max(worst, errorOf(values, float32([wanted.length], wanted)));
    }
  }
  return worst;
}

/** A trajectory with the step's own noise, or with none where the reference drew none. */
async function trajectoryError(
  { engine, pipeline, folder, golden }: Setting,
  settings: { noise_level?: number } = {},
): Promise<number> {
  const { guidance_scale, trajectory } = await readJson<{
    guidance_scale?: number;
    trajectory?: { guidance_scale: number };
  }>(join(parityFolder(folder), 'golden.json'));
  const guidance = guidance_scale ?? trajectory?.guidance_scale ?? 1;
  // One prompt may stand for all images.
  const prompts = promptsOf(golden, pipeline.conditioning, 'cond');
  const [, images, ...shape] = golden.get('latents').dims as [number, number, ...number[]];
  const contexts = Array.from({ length: images }, (_, i) => prompts[i % prompts.length]!);
  const steps = golden.get('timesteps').data.length;
  const noisy = golden.tensors.has('noise');
  const eta = noisy ? (settings.noise_level ?? 1) : 0;
  const sampler = await Sampler.open(engine, pipeline, {
    images: contexts.length,
    settings: { steps, eta, guidance },
  });
  const noise = noisy ? rowsOf(golden.floats('noise')) : [];
  const rollout = await sampler.rollout({
    latents: rowsOf(golden.floats('latents'))[0]!,
    contexts,
    empty: promptsOf(golden, pipeline.conditioning, 'uncond')[0]!,
    noise: (step) => noise[step] ?? new Float32Array(images * sizeOf(shape)),
  });
  const pixels = await sampler.decode(rollout.states.at(-1) as Float32Array);
  await sampler.release();
  const densities = rollout.logProbabilities.flatMap((values) => [...(values ?? [])]);
  return Math.max(
    errorOf(
      rollout.states.flatMap((state) => [...state]),
      golden.get('latents'),
    ),
    noisy ? errorOf(densities, golden.get('log_prob')) : 0,
    errorOf(pixels, golden.get('image')),
  );
}

/** The stochastic steps of a flow, at the noise level that golden.json has. */
async function stochasticError(setting: Setting): Promise<number> {
  const { trajectory_sde } = await readJson<{ trajectory_sde: { noise_level: number } }>(
    join(parityFolder(setting.folder), 'golden.json'),
  );
  return trajectoryError(setting, trajectory_sde);
}
