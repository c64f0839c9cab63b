/**
 * @file Parity of losses over transition densities (D3PO, DDPO, DPOK): log-probabilities, loss and
 * adapter gradients.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { emptyFeeds, takesScalarTimestep, timestepFeed } from '@/trainer/diffusion/denoise/inputs';
import { stacked as stackedPrompts } from '@/trainer/diffusion/pipelines/conditioning';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { stepFeeds } from '@/trainer/diffusion/sampling/transition';
import type { Builder } from '@/trainer/graph/builder';
import type { Graph } from '@/trainer/graph/model';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, type Tensor, zeros } from '@/trainer/graph/tensor';
import { appendD3poLoss } from '@/trainer/methods/d3po';
import { appendDdpoLoss } from '@/trainer/methods/ddpo';
import { appendDpokLoss } from '@/trainer/methods/dpok';
import { accumulated } from '@/trainer/methods/optimizer/accumulation';
import { buildDenoise } from '@/trainer/methods/policy/denoise';
import {
  buildTransitionStep,
  type TransitionLoss,
} from '@/trainer/methods/transitions/transition-step';
import type { Engine } from '@/trainer/runtime/engine';
import { Golden, readJson } from './golden';
import { parityFolder, withGoldenPipeline } from './golden-pipeline';
import { goldenAdapter } from './lora';
import { promptsOf } from './prompts';
import { type ParityCase, relativeError, relativeL2, tolerance } from './report';

interface TransitionSettings {
  case: number;
  timestep: number;
  lora_B_multiplied_by: number;
  beta: number;
  h: [number, number];
  eps_clip: number;
  num_inference_steps: number;
  /** Of DDIM; a flow's step has a noise level. */
  eta?: number;
  noise_level?: number;
  guidance_scale: number;
  /** With the adapter that is for the text's projections, too. */
  joint?: true;
}

interface GoldenSettings {
  d3po?: TransitionSettings[];
  d3po_joint?: TransitionSettings[];
  ddpo?: { clip: number };
  dpok?: { clip: number; reward_weight: number; kl_weight: number };
}

/** A loss over one transition of some of a pair's images. */
interface Check {
  name: string;
  settings: TransitionSettings;
  /** Which images of the pair; D3PO takes both, the others the first. */
  images: readonly ('0' | '1')[];
  loss: TransitionLoss['append'];
  feeds: (golden: Golden) => Record<string, Tensor>;
}

/**
 * The cases that `parity/` holds, with the UNet of `tiny-sd/`. Transitions stand in D3PO's files,
 * clipped or not.
 */
export async function transitionCases(engine: Engine, folder: string): Promise<ParityCase[]> {
  const parity = parityFolder(folder);
  if (!existsSync(join(parity, 'golden.json'))) return [];
  const golden = await readJson<GoldenSettings>(join(parity, 'golden.json'));
  const joint = (golden.d3po_joint ?? []).map((one) => ({ ...one, joint: true as const }));
  return [...(golden.d3po ?? []), ...joint]
    .flatMap((settings) => checksOf(settings, golden))
    .filter(({ name }) => existsSync(join(parity, `${name}.safetensors`)))
    .map((check) => ({
      name: check.name,
      run: () => withGoldenPipeline(folder, (pipeline) => run(engine, folder, pipeline, check)),
    }));
}

function checksOf(settings: TransitionSettings, { ddpo, dpok }: GoldenSettings): Check[] {
  const { beta, eps_clip: clipRange } = settings;
  const number = caseName(settings);
  const d3po = (name: string, clip: boolean): Check => ({
    name,
    settings,
    images: ['0', '1'],
    loss: (b, values) =>
      appendD3poLoss(
        b,
        {
          logProbability: b.reshape(values.logProbability, [1, 2]),
          referenceLogProbability: b.reshape(values.referenceLogProbability, [1, 2]),
          preference: b.input('preference', 'float32', [1, 2]),
          weight: b.scalar(1),
        },
        { beta, ...(clip && { clipRange }) },
      ).loss,
    feeds: () => ({ preference: float32([1, 2], settings.h) }),
  });
  const policyGradient = (name: string, append: Check['loss']): Check => ({
    name,
    settings,
    images: ['0'],
    // Of one transition the mean is its own loss.
    loss: (b, values) => b.reshape(append(b, values), []),
    feeds: (golden) => ({
      advantage: golden.floats('advantage', [1]),
      oldLogProbability: golden.floats('old_log_prob', [1]),
    }),
  });
  const inputs = (b: Builder) => ({
    advantage: b.input('advantage', 'float32', [1]),
    oldLogProbability: b.input('oldLogProbability', 'float32', [1]),
  });
  return [
    d3po(`d3po_${number}_clip`, true),
    d3po(`d3po_${number}_noclip`, false),
    ...(ddpo
      ? [
          policyGradient(`ddpo_${number}`, (b, values) =>
            appendDdpoLoss(
              b,
              { ...values, ...inputs(b) },
              { clipRange: ddpo.clip, advantageClip: 5 },
            ),
          ),
        ]
      : []),
    ...(dpok
      ? [
          policyGradient(`dpok_${number}`, (b, values) =>
            appendDpokLoss(
              b,
              { ...values, ...inputs(b) },
              {
                clipRange: dpok.clip,
                rewardWeight: dpok.reward_weight,
                klWeight: dpok.kl_weight,
              },
            ),
          ),
        ]
      : []),
  ];
}

const caseName = ({ joint, case: number }: TransitionSettings) =>
  joint ? `joint_${number}` : `${number}`;

async function run(
  engine: Engine,
  folder: string,
  { denoiser, scheduler, conditioning: context }: Pipeline,
  { name, settings, images, ...check }: Check,
) {
  const golden = await Golden.read(parityFolder(folder), name);
  const transition = await transitionOf(folder, settings);
  const lora = settings.joint ? 'lora_joint' : 'lora';
  const { trainable, adapter } = await goldenAdapter(folder, denoiser.graph, lora);
  const n = images.length;
  const [, c, h, w] = transition.get('latents_0').dims as [number, number, number, number];
  const guidance = settings.guidance_scale;
  const shape = { images: n, latent: [c, h, w], context, guidance };
  const graph = buildTransitionStep(
    trainable,
    { ...shape, clip: Number.POSITIVE_INFINITY },
    { append: check.loss },
  );
  const stacked = (key: string) =>
    float32(
      [n, c, h, w],
      Float32Array.from(images.flatMap((i) => [...transition.floats(`${key}_${i}`).data])),
    );
  const [prompt] = promptsOf(transition, context, 'cond');
  const [none] = promptsOf(transition, context, 'uncond');
  const step = scheduler.coefficients(
    settings.timestep,
    settings.num_inference_steps,
    settings.eta ?? settings.noise_level ?? 1,
  );
  const common = {
    latents: stacked('latents'),
    timestep: timestepFeed(
      takesScalarTimestep(trainable.denoiser),
      images.map(() => settings.timestep),
    ),
    ...stackedPrompts(
      context,
      images.map(() => prompt!),
    ),
    ...emptyFeeds(context, none!),
  };
  const [referenceOutput] = Object.values(
    await once(engine, buildDenoise(trainable, shape, 'base'), denoiser.folder, common),
  );
  const out = await once(engine, graph, denoiser.folder, {
    ...common,
    ...stepFeeds(images.map(() => step)),
    ...check.feeds(golden),
    nextLatents: stacked('next_latents'),
    referenceOutput: referenceOutput as Tensor,
    keepSum: float32([], [0]),
    ...Object.fromEntries(
      [...adapter].map(([key, value]) => [
        key,
        scaledUp(key, value, settings.lora_B_multiplied_by),
      ]),
    ),
    ...Object.fromEntries(
      trainable.tensors.map(({ name: key, dims }) => [accumulated(key), zeros('float32', dims)]),
    ),
  });
  const numbers = (key: string) =>
    float32(
      [n],
      images.map((i) => transition.floats(`${key}_${i}`).data[0]!),
    );
  const wanted = golden.gradients();
  return {
    forward: Math.max(
      relativeError(out.logProbability as Tensor, numbers('log_prob')),
      relativeError(out.referenceLogProbability as Tensor, numbers('ref_log_prob')),
      relativeError({ ...(out.loss as Tensor), dims: [1] } as Tensor, golden.get('loss')),
    ),
    gradient: relativeL2(
      [...wanted.keys()].map((key) => out[`${accumulated(key)}.next`]!),
      [...wanted.values()],
    ),
    gradientLimit: tolerance.adapterGradient,
  };
}

/** The pair's transition, from whichever of D3PO's files is there. */
async function transitionOf(folder: string, settings: TransitionSettings): Promise<Golden> {
  const parity = parityFolder(folder);
  const kind = ['clip', 'noclip'].find((one) =>
    existsSync(join(parity, `d3po_${caseName(settings)}_${one}.safetensors`)),
  );
  if (!kind) throw new Error(`${parity} lacks d3po_${caseName(settings)}_clip.safetensors`);
  return Golden.read(parity, `d3po_${caseName(settings)}_${kind}`);
}

async function once(
  engine: Engine,
  graph: Graph,
  externalDataFolder: string,
  feeds: Record<string, Tensor>,
) {
  const session = await engine.load(serializeOnnx(graph), { name: graph.name, externalDataFolder });
  const out = await session.run(feeds, {});
  await session.release();
  return out;
}

function scaledUp(key: string, value: Tensor<'float32'>, factor: number): Tensor<'float32'> {
  return key.endsWith('lora_B.weight')
    ? float32(
        value.dims,
        value.data.map((x) => x * factor),
      )
    : value;
}
