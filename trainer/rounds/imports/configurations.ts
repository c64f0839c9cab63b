/**
 * @file What the configurations of a pipeline's parts say of its kind, before its graphs are
 * parsed: models that denoise something else, parts that are not of one model.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '@/lib/errors';
import { familyOf as familyOfClass } from '@/lib/families';
import { layouts } from '@/trainer/diffusion/pipelines/families';

const many = z.union([z.number(), z.array(z.number())]);

/** What is looked at, wherever it stands; everything else passes. */
const configSchema = z.looseObject({
  in_channels: z.number().optional(),
  out_channels: z.number().optional(),
  cross_attention_dim: many.optional(),
  hidden_size: z.number().optional(),
  vocab_size: z.number().optional(),
  max_position_embeddings: z.number().optional(),
  latent_channels: z.number().optional(),
});

type Config = z.infer<typeof configSchema>;

async function configOf(folder: string, part: string): Promise<Config | undefined> {
  const text = await readFile(join(folder, part, 'config.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return configSchema.safeParse(JSON.parse(text)).data;
  } catch {
    // Whoever opens the part names the file.
    return undefined;
  }
}

/** The class that a pipeline says it is. */
export async function familyOf(folder: string): Promise<string> {
  const text = await readFile(join(folder, 'model_index.json'), 'utf8');
  return familySchema.parse(JSON.parse(text))._class_name;
}

const familySchema = z.looseObject({ _class_name: z.string() });

const refused = (message: string) => new AppError('unprocessable', message);

/** @throws AppError that names the file, what it says, and what to do */
export async function checkConfigurations(folder: string): Promise<void> {
  const part = existsSync(join(folder, 'transformer')) ? 'transformer' : 'unet';
  const denoiser = await configOf(folder, part);
  if (denoiser && !(await mayLearnVariance(folder, denoiser))) {
    refuseOtherDenoisers(join(folder, part, 'config.json'), denoiser);
  }
  const decoder = await configOf(folder, 'vae_decoder');
  const [latent, channels] = [decoder?.latent_channels, denoiser?.in_channels];
  if (latent !== undefined && channels !== undefined && latent !== channels) {
    throw refused(
      `${folder} holds parts of two models: ${part} denoises ${channels} channels, but vae_decoder reads ${latent}. Take both from one export.`,
    );
  }
  await checkEncoder(folder, part, denoiser);
}

/** Whether a denoiser predicts its variance, too, in a family whose steps leave that aside. */
async function mayLearnVariance(
  folder: string,
  { in_channels: takes, out_channels: gives }: Config,
) {
  if (takes === undefined || gives !== 2 * takes) return false;
  const family = familyOfClass(await familyOf(folder).catch(() => ''));
  return family !== undefined && layouts[family].noiseOnly !== undefined;
}

function refuseOtherDenoisers(file: string, { in_channels: takes, out_channels: gives }: Config) {
  if (takes === undefined || gives === undefined || takes === gives) return;
  if (gives === 2 * takes) {
    throw refused(
      `${file}: the model predicts its variance, too (out_channels ${gives}, twice in_channels): learned variance has no step that Darkroom could follow. Take a model with out_channels ${takes}.`,
    );
  }
  if (takes === 2 * gives + 1 || takes === 2 * gives) {
    throw refused(
      `${file}: the model takes ${takes} channels and gives ${gives}: it is for inpainting, or edits images, and needs an image beside the prompt. Take the text-to-image model it was made from.`,
    );
  }
  throw refused(
    `${file}: in_channels is ${takes} and out_channels ${gives}. Darkroom trains models that return what they take.`,
  );
}

/**
 * One text encoder that feeds cross-attention must be as wide, and know what its tokenizer says.
 */
async function checkEncoder(
  folder: string,
  part: string,
  denoiser: Config | undefined,
): Promise<void> {
  const encoder = await configOf(folder, 'text_encoder');
  if (!encoder) return;
  const attended = [denoiser?.cross_attention_dim ?? []].flat()[0];
  const alone = !existsSync(join(folder, 'text_encoder_2'));
  const { hidden_size: width, vocab_size: words } = encoder;
  if (part === 'unet' && alone && width && attended && width !== attended) {
    throw refused(
      `${folder} holds parts of two models: text_encoder gives ${width} numbers a token, but unet attends to ${attended}. Take both from one export.`,
    );
  }
  const largest = await largestId(join(folder, 'tokenizer'));
  if (words !== undefined && largest !== undefined && largest >= words) {
    throw refused(
      `${join(folder, 'tokenizer')} is not the text encoder's: it gives ids up to ${largest}, but text_encoder knows ${words} words. Copy the tokenizer of the model that text_encoder comes from.`,
    );
  }
}

const vocabularySchema = z.record(z.string(), z.number());
const tokenizerSchema = z.looseObject({ model: z.looseObject({ vocab: vocabularySchema }) });

async function largestId(folder: string): Promise<number | undefined> {
  for (const [file, read] of [
    ['vocab.json', (json: unknown) => vocabularySchema.safeParse(json).data],
    ['tokenizer.json', (json: unknown) => tokenizerSchema.safeParse(json).data?.model.vocab],
  ] as const) {
    try {
      const ids = Object.values(read(JSON.parse(await readFile(join(folder, file), 'utf8'))) ?? {});
      if (ids.length > 0) return ids.reduce((most, id) => Math.max(most, id), 0);
    } catch {
      // Not there, or broken: whoever opens it says so.
    }
  }
  return undefined;
}
