/**
 * @file A text-to-image pipeline on disk, in the layout of Optimum's ONNX exports: opened, checked,
 * described. Source of the layout: huggingface/optimum-onnx. Nothing is run here; see sampler.ts.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import {
  conditioningSettingsSchema,
  type FamilyName,
  familyOf,
  readingsOf,
  type TextReading,
  trainableClasses,
} from '@/lib/families';
import { type PromptMeasure, roomiest } from '@/lib/text/prompt-cuts';
import { openGraphFile } from '@/trainer/graph/onnx/external-data';
import { inSinglePrecision } from '@/trainer/graph/single-precision';
import { formatDims } from '@/trainer/graph/tensor';
import { denoiserKinds } from '../denoiser-kinds';
import { PipelineError } from '../pipeline-error';
import type { Scheduler } from '../schedulers/scheduler';
import { schedulerFileSchema, schedulerOf } from '../schedulers/scheduler-file';
import type { ConditioningShape } from './conditioning';
import { layouts } from './families';
import { readJson, readJsonIfThere } from './files';
import type { PipelineLayout, PromptReading } from './layouts';
import { openPieceTokenizer } from './piece-tokenizer';
import { embeddingsFile, PromptEmbeddings } from './prompt-embeddings';
import { type Component, portNamed } from './static-network';
import { outputNamed, type TextComponent } from './text-network';
import { ClipTokenizer, type PromptTokenizer } from './tokenizer';

export interface Pipeline {
  folder: string;
  family: FamilyName;
  layout: PipelineLayout;
  /** The UNet or transformer. */
  denoiser: Component;
  vaeDecoder: Component;
  /** Needed only where finished images are read, not drawn. */
  vaeEncoder?: Component;
  /** By their folders. */
  textEncoders: ReadonlyMap<string, TextComponent>;
  /** How much of a prompt reaches the model: by the tokenizer that takes most. */
  measure: PromptMeasure;
  /** In the place of text encoders. */
  embeddings?: PromptEmbeddings;
  scheduler: Scheduler;
  /** [channels, height, width] of one image's latents. */
  latentShape: readonly [number, number, number];
  /** What the denoiser is told of a prompt. */
  conditioning: ConditioningShape;
  /** What else decides what the denoiser is told. */
  reading: Pick<PromptReading, 'settings' | 'zerosForNone' | 'imageSize'>;
  /** The decoder takes latents / scalingFactor + shiftFactor. */
  scalingFactor: number;
  shiftFactor: number;
}

/** Classes that go on with another pipeline's latents or images, and what to do instead. */
const otherTasks = /Img2Img|Inpaint|Upscale|InstructPix2Pix|ControlNet|Refiner/;

const indexSchema = z
  .object({
    _class_name: z.string().transform((name, context): FamilyName => {
      const family = familyOf(name);
      if (family) return family;
      context.addIssue(
        otherTasks.test(name)
          ? `${name} starts from an image, not from a prompt alone (SDXL's refiner is one). Give the folder of the text-to-image pipeline that it belongs to`
          : `${name} is no pipeline that Darkroom can train yet; take one of ${trainableClasses.join(', ')}`,
      );
      return z.NEVER;
    }),
    force_zeros_for_empty_prompt: z.boolean().default(true),
    requires_aesthetics_score: z
      .literal(false, 'is said of a refiner, which ends what SDXL began. Give the folder of SDXL')
      .nullish(),
  })
  .transform(({ _class_name: family, force_zeros_for_empty_prompt: zerosForNone }) => ({
    family,
    zerosForNone,
  }));

const positive = z.number().int().positive();
const denoiserConfigSchema = z.object({
  in_channels: positive,
  out_channels: positive.nullish(),
  sample_size: z.union([positive, z.tuple([positive, positive])]),
});
const vaeConfigSchema = z.object({
  scaling_factor: z.number().positive().default(0.18215),
  shift_factor: z.number().nullish(),
  block_out_channels: z.array(positive).optional(),
  latents_mean: z.null('has means of its own for every channel, which are not followed').optional(),
});

/**
 * Opens a pipeline's folder. Throws a PipelineError or GraphError that names the file and what to
 * do.
 */
export async function openPipeline(folder: string): Promise<Pipeline> {
  const { family, zerosForNone } = await readJson(join(folder, 'model_index.json'), indexSchema);
  const layout = layouts[family];
  const kind = denoiserKinds[layout.denoiser];
  const configFile = join(folder, kind.folder, 'config.json');
  const config = await readJson(configFile, denoiserConfigSchema);
  const vaeConfig = await readJsonIfThere(join(folder, 'vae_decoder/config.json'), vaeConfigSchema);
  const { in_channels: channels, out_channels: given = channels, sample_size: size } = config;
  const learnsVariance = given === 2 * channels && layout.noiseOnly !== undefined;
  if (given !== null && given !== channels && !learnsVariance) {
    throw new PipelineError(
      `${configFile}: out_channels is ${given}, in_channels ${channels}. Darkroom trains denoisers that return what they take, without learned variance or inpainting.`,
    );
  }
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  const settingsFile = join(folder, 'conditioning.json');
  const settings = await readJsonIfThere(settingsFile, conditioningSettingsSchema);

  const [whole, vaeDecoder] = await Promise.all(
    [kind.folder, 'vae_decoder'].map((name) => openComponent(folder, name)),
  );
  const denoiser =
    learnsVariance && whole ? { ...whole, graph: layout.noiseOnly!(whole.graph, channels) } : whole;
  const vaeEncoder = existsSync(join(folder, 'vae_encoder'))
    ? await openComponent(folder, 'vae_encoder')
    : undefined;
  const readings = readingsOf(family, settings);
  const embeddings = existsSync(join(folder, embeddingsFile))
    ? await PromptEmbeddings.open(join(folder, embeddingsFile))
    : undefined;
  const textEncoders = embeddings
    ? new Map<string, TextComponent>()
    : await openTextEncoders(folder, family, readings);
  const tokenizers = [...textEncoders.values()].map(({ tokenizer }) => tokenizer);
  const shapeOf = await readJson(configFile, layout.shape);
  const scale = 2 ** ((vaeConfig.block_out_channels?.length ?? 4) - 1);
  const asRead = shapeOf(
    Object.fromEntries(
      readings.map(({ encoder, tokens = 0 }) => [
        encoder,
        textEncoders.get(encoder)?.tokenizer.maxLength ?? tokens,
      ]),
    ),
  );
  const pipeline: Pipeline = {
    folder,
    family,
    layout,
    denoiser: denoiser as Component,
    vaeDecoder: vaeDecoder as Component,
    ...(vaeEncoder && { vaeEncoder }),
    textEncoders,
    measure: embeddings ? unmeasured : roomiest(tokenizers),
    ...(embeddings && { embeddings }),
    scheduler: await openScheduler(folder),
    latentShape: [channels, height, width],
    conditioning: embeddings?.shape(Object.keys(asRead)) ?? asRead,
    reading: { settings, zerosForNone, imageSize: [height * scale, width * scale] },
    scalingFactor: vaeConfig.scaling_factor,
    shiftFactor: vaeConfig.shift_factor ?? 0,
  };
  checkPorts(pipeline);
  return pipeline;
}

/** Prompts that were encoded elsewhere came whole, or as whole as they were there. */
const unmeasured: PromptMeasure = { room: Number.MAX_SAFE_INTEGER, tokensOf: () => 0 };

async function openTextEncoders(
  folder: string,
  family: FamilyName,
  readings: readonly TextReading[],
): Promise<Map<string, TextComponent>> {
  const opened = new Map<string, TextComponent>();
  for (const reading of readings) {
    const { encoder } = reading;
    if (reading.optional && !existsSync(join(folder, encoder))) continue;
    const component = await openComponent(folder, encoder);
    if (reading.masked) refuseUnmasked(component);
    opened.set(encoder, {
      ...component,
      tokenizer: await openTokenizer(folder, reading),
      outputs: layouts[family].outputs[encoder] ?? [],
    });
  }
  return opened;
}

/** Of an encoder that sees the padding, every row says something else. */
function refuseUnmasked({ graph }: Component): void {
  if (graph.inputs.some(({ name }) => name === 'attention_mask')) return;
  throw new PipelineError(
    `${graph.source} takes ${graph.inputs.map(({ name }) => name).join(', ')}, but no attention_mask: it would read a prompt's padding, which it must not see here. Export it with input_ids and attention_mask.`,
  );
}

function openTokenizer(folder: string, reading: TextReading): Promise<PromptTokenizer> {
  const { tokenizer, kind, tokens = 0, ...how } = reading;
  const own = join(folder, tokenizer);
  return kind === 'clip'
    ? ClipTokenizer.open(own)
    : openPieceTokenizer(own, { ...how, length: tokens });
}

/** The scheduler that a pipeline's file describes. @param latent other height and width */
export async function openScheduler(
  folder: string,
  latent?: readonly [number, number],
): Promise<Scheduler> {
  const file = join(folder, 'scheduler/scheduler_config.json');
  return schedulerOf(await readJson(file, schedulerFileSchema), await imageTokens(folder, latent));
}

const tokensSchema = z.object({ sample_size: positive.nullish(), patch_size: positive.nullish() });

/** Patches of one image, where the network is a transformer that says so. */
async function imageTokens(
  folder: string,
  latent?: readonly [number, number],
): Promise<number | undefined> {
  const file = join(folder, 'transformer/config.json');
  const { sample_size: size, patch_size: patch } = await readJsonIfThere(file, tokensSchema);
  const [height, width] = latent ?? [size, size];
  return height && width && patch
    ? Math.floor(height / patch) * Math.floor(width / patch)
    : undefined;
}

async function openComponent(folder: string, name: string): Promise<Component> {
  const { graph, ...rest } = await openGraphFile(join(folder, name, 'model.onnx'));
  return { graph: inSinglePrecision(graph), ...rest };
}

/** Whether the graphs take and give what the configurations promise. */
function checkPorts(pipeline: Pipeline): void {
  const { layout, denoiser, vaeDecoder, textEncoders, latentShape, conditioning } = pipeline;
  const [channels] = latentShape;
  const { sample, output } = denoiserKinds[layout.denoiser];
  expectPort(denoiser, 'inputs', sample, [undefined, channels, undefined, undefined]);
  expectPort(denoiser, 'inputs', 'timestep', undefined);
  for (const [port, dims] of Object.entries(conditioning)) {
    expectPort(denoiser, 'inputs', port, [undefined, ...dims]);
  }
  const known = new Set<string>([sample, 'timestep', ...Object.keys(conditioning)]);
  const unknown = denoiser.graph.inputs.find(({ name }) => !known.has(name));
  if (unknown) {
    throw new PipelineError(
      `${denoiser.graph.source} takes "${unknown.name}", which a pipeline of the family ${pipeline.family} does not give it. Export the pipeline for this class, with Optimum (PixArt: as docs/pixart.md says).`,
    );
  }
  expectPort(denoiser, 'outputs', output, undefined);
  expectPort(vaeDecoder, 'inputs', 'latent_sample', [undefined, channels, undefined, undefined]);
  expectPort(vaeDecoder, 'outputs', 'sample', undefined);
  for (const encoder of textEncoders.values()) {
    expectPort(encoder, 'inputs', 'input_ids', [undefined, undefined]);
    for (const output of encoder.outputs) outputNamed(encoder.graph, output);
  }
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
