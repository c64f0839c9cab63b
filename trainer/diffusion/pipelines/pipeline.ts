/**
 * @file A text-to-image pipeline on disk, in the layout of Optimum's ONNX exports: opened, checked,
 * described. Source of the layout: huggingface/optimum-onnx. Nothing is run here; see sampler.ts.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Graph, Port } from '@/trainer/graph/model';
import { openGraphFile } from '@/trainer/graph/onnx/external-data';
import { inSinglePrecision } from '@/trainer/graph/single-precision';
import { formatDims } from '@/trainer/graph/tensor';
import { denoiserKinds } from '../denoiser-kinds';
import { PipelineError } from '../pipeline-error';
import type { Scheduler } from '../schedulers/scheduler';
import { schedulerFileSchema, schedulerOf } from '../schedulers/scheduler-file';
import type { ConditioningShape } from './conditioning';
import { readJson, readJsonIfThere } from './files';
import { layoutOf, type PipelineLayout, trainableClasses } from './layouts';
import { ClipTokenizer } from './tokenizer';

/** One network of a pipeline. */
export interface Component {
  graph: Graph;
  /** Where the graph's external data lies. */
  folder: string;
}

export interface Pipeline {
  folder: string;
  layout: PipelineLayout;
  /** The UNet or transformer. */
  denoiser: Component;
  vaeDecoder: Component;
  /** Needed only where finished images are read, not drawn. */
  vaeEncoder?: Component;
  textEncoder: Component;
  tokenizer: ClipTokenizer;
  scheduler: Scheduler;
  /** [channels, height, width] of one image's latents. */
  latentShape: readonly [number, number, number];
  /** What the UNet is told of a prompt. */
  conditioning: ConditioningShape;
  /** The decoder takes latents / scalingFactor + shiftFactor. */
  scalingFactor: number;
  shiftFactor: number;
}

const indexSchema = z.object({
  _class_name: z.string().transform((name, context): PipelineLayout => {
    const layout = layoutOf(name);
    if (layout) return layout;
    context.addIssue(
      `${name} is no pipeline that Darkroom can train yet; take one of ${trainableClasses.join(', ')}`,
    );
    return z.NEVER;
  }),
});

const positive = z.number().int().positive();
const unetConfigSchema = z.object({
  in_channels: positive,
  out_channels: positive,
  sample_size: z.union([positive, z.tuple([positive, positive])]),
  cross_attention_dim: z.union([positive, z.array(positive)]),
});
const vaeConfigSchema = z.object({
  scaling_factor: z.number().positive().default(0.18215),
  shift_factor: z.number().nullish(),
});

/**
 * Opens a pipeline's folder. Throws a PipelineError or GraphError that names the file and what to
 * do.
 */
export async function openPipeline(folder: string): Promise<Pipeline> {
  const { _class_name: layout } = await readJson(join(folder, 'model_index.json'), indexSchema);
  const unetConfig = await readJson(join(folder, 'unet/config.json'), unetConfigSchema);
  const vaeConfig = await readJsonIfThere(join(folder, 'vae_decoder/config.json'), vaeConfigSchema);
  const { in_channels: channels, sample_size: size } = unetConfig;
  if (unetConfig.out_channels !== channels) {
    throw new PipelineError(
      `${folder}/unet/config.json: out_channels is ${unetConfig.out_channels}, in_channels ${channels}. Darkroom trains UNets that return what they take, without learned variance or inpainting.`,
    );
  }
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  const attended = [unetConfig.cross_attention_dim].flat()[0]!;

  const [denoiser, vaeDecoder, textEncoder] = await Promise.all(
    [denoiserKinds[layout.denoiser].folder, 'vae_decoder', layout.encoder.folder].map((name) =>
      openComponent(folder, name),
    ),
  );
  const vaeEncoder = existsSync(join(folder, 'vae_encoder'))
    ? await openComponent(folder, 'vae_encoder')
    : undefined;
  const tokenizer = await ClipTokenizer.open(join(folder, layout.encoder.tokenizer));
  const pipeline: Pipeline = {
    folder,
    layout,
    denoiser: denoiser as Component,
    vaeDecoder: vaeDecoder as Component,
    ...(vaeEncoder && { vaeEncoder }),
    textEncoder: textEncoder as Component,
    tokenizer,
    scheduler: await openScheduler(folder),
    latentShape: [channels, height, width],
    conditioning: { [layout.encoder.port]: [tokenizer.maxLength, attended] },
    scalingFactor: vaeConfig.scaling_factor,
    shiftFactor: vaeConfig.shift_factor ?? 0,
  };
  checkPorts(pipeline);
  return pipeline;
}

/** The scheduler that a pipeline's file describes. */
export async function openScheduler(folder: string): Promise<Scheduler> {
  const file = join(folder, 'scheduler/scheduler_config.json');
  return schedulerOf(await readJson(file, schedulerFileSchema), await imageTokens(folder));
}

const tokensSchema = z.object({ sample_size: positive.nullish(), patch_size: positive.nullish() });

/** Patches of one image, where the network is a transformer that says so. */
async function imageTokens(folder: string): Promise<number | undefined> {
  const file = join(folder, 'transformer/config.json');
  const { sample_size: size, patch_size: patch } = await readJsonIfThere(file, tokensSchema);
  return size && patch ? Math.floor(size / patch) ** 2 : undefined;
}

async function openComponent(folder: string, name: string): Promise<Component> {
  const { graph, ...rest } = await openGraphFile(join(folder, name, 'model.onnx'));
  return { graph: inSinglePrecision(graph), ...rest };
}

/** Whether the graphs take and give what the configurations promise. */
function checkPorts(pipeline: Pipeline): void {
  const { layout, denoiser, vaeDecoder, textEncoder, latentShape, conditioning } = pipeline;
  const [channels] = latentShape;
  const { sample, output } = denoiserKinds[layout.denoiser];
  expectPort(denoiser, 'inputs', sample, [undefined, channels, undefined, undefined]);
  expectPort(denoiser, 'inputs', 'timestep', undefined);
  for (const [port, [, ...dims]] of Object.entries(conditioning)) {
    expectPort(denoiser, 'inputs', port, [undefined, undefined, ...dims]);
  }
  expectPort(denoiser, 'outputs', output, undefined);
  expectPort(vaeDecoder, 'inputs', 'latent_sample', [undefined, channels, undefined, undefined]);
  expectPort(vaeDecoder, 'outputs', 'sample', undefined);
  expectPort(textEncoder, 'inputs', 'input_ids', [undefined, undefined]);
  expectPort(textEncoder, 'outputs', layout.encoder.output, undefined);
}

/** Finds a port and checks its rank and the dimensions given; undefined fits anything. */
function expectPort(
  { graph }: Component,
  side: 'inputs' | 'outputs',
  name: string,
  dims: readonly (number | undefined)[] | undefined,
): void {
  const port = portNamed(graph, side, name);
  if (!dims) return;
  const fits =
    port.dims.length === dims.length &&
    dims.every((dim, axis) => {
      const has = port.dims[axis];
      return dim === undefined || typeof has === 'string' || has === dim;
    });
  if (fits) return;
  const wanted = formatDims(dims.map((dim) => dim ?? '?'));
  throw new PipelineError(
    `${graph.source}: "${name}" has shape ${formatDims(port.dims)}, but the configuration beside it promises ${wanted}. Export the pipeline again.`,
  );
}

/** An input or output by name, or an error that lists what there is. */
export function portNamed(graph: Graph, side: 'inputs' | 'outputs', name: string): Port {
  const port = graph[side].find((candidate) => candidate.name === name);
  if (port) return port;
  const list = graph[side].map((candidate) => candidate.name).join(', ');
  throw new PipelineError(
    `${graph.source} has no ${side.slice(0, -1)} "${name}", only ${list}. Export the pipeline with Optimum.`,
  );
}
