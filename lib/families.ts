/**
 * @file The families of pipelines, a row each: the classes that `model_index.json` may name, and
 * how their text encoders read a prompt. What their denoisers are told of it stands in
 * trainer/diffusion/pipelines/families. Source: the pipelines of huggingface/diffusers.
 */
import { z } from 'zod';
import type { ModuleNaming } from './exchange/module-names';

/** How one text encoder reads a prompt. */
export interface TextReading {
  /** Folders of a pipeline. */
  encoder: string;
  tokenizer: string;
  /** CLIP's own files, or a `tokenizer.json` of pieces (T5, Gemma) that says all itself. */
  kind: 'clip' | 'pieces';
  /**
   * Tokens that are encoded, start, end and padding included; left out, as many as its tokenizer
   * says.
   */
  tokens?: number;
  /** May be missing from a folder: then the denoiser is told zeros. */
  optional?: true;
  /** Prompts are trimmed and put in lower case first. */
  lowerCase?: true;
  /** Padding is hidden from the encoder, whose graph takes an `attention_mask` for that. */
  masked?: true;
  /** Lines put before every prompt, but not where there is none. */
  instruction?: readonly string[];
}

export interface Family {
  classes: readonly string[];
  readings: readonly TextReading[];
  /** Whose names its transformer's modules have, where their own names do not tell. */
  modules?: ModuleNaming;
}

const clip: TextReading = { encoder: 'text_encoder', tokenizer: 'tokenizer', kind: 'clip' };
const secondClip: TextReading = {
  encoder: 'text_encoder_2',
  tokenizer: 'tokenizer_2',
  kind: 'clip',
};
const thirdT5: TextReading = {
  encoder: 'text_encoder_3',
  tokenizer: 'tokenizer_3',
  kind: 'pieces',
  tokens: 256,
  optional: true,
};

/**
 * diffusers' own words (`SanaPipeline.__call__`, complex_human_instruction): other ones are other
 * input.
 */
const sanaInstruction = [
  "Given a user prompt, generate an 'Enhanced prompt' that provides detailed visual descriptions suitable for image generation. Evaluate the level of detail in the user prompt:",
  '- If the prompt is simple, focus on adding specifics about colors, shapes, sizes, textures, and spatial relationships to create vivid and concrete scenes.',
  '- If the prompt is already detailed, refine and enhance the existing details slightly without overcomplicating.',
  'Here are examples of how to transform or refine prompts:',
  '- User Prompt: A cat sleeping -> Enhanced: A small, fluffy white cat curled up in a round shape, sleeping peacefully on a warm sunny windowsill, surrounded by pots of blooming red flowers.',
  '- User Prompt: A busy city street -> Enhanced: A bustling city street scene at dusk, featuring glowing street lamps, a diverse crowd of people in colorful clothing, and a double-decker bus passing by towering glass skyscrapers.',
  'Please generate only the enhanced description for the prompt below and avoid including any additional commentary or evaluations:',
  'User Prompt: ',
];

const gemma: TextReading = {
  encoder: 'text_encoder',
  tokenizer: 'tokenizer',
  kind: 'pieces',
  tokens: 300,
  lowerCase: true,
  masked: true,
  instruction: sanaInstruction,
};

/** Without diffusers' cleaning of captions, for which it takes two more packages. */
const t5: TextReading = {
  encoder: 'text_encoder',
  tokenizer: 'tokenizer',
  kind: 'pieces',
  tokens: 300,
  lowerCase: true,
  masked: true,
};

const rows = {
  'Stable Diffusion': {
    classes: [
      'StableDiffusionPipeline',
      'ORTStableDiffusionPipeline',
      'OnnxStableDiffusionPipeline',
    ],
    readings: [clip],
  },
  'Stable Diffusion XL': {
    classes: ['StableDiffusionXLPipeline', 'ORTStableDiffusionXLPipeline'],
    readings: [clip, secondClip],
  },
  'Stable Diffusion 3': {
    classes: ['StableDiffusion3Pipeline', 'ORTStableDiffusion3Pipeline'],
    readings: [clip, secondClip, thirdT5],
  },
  Sana: { classes: ['SanaPipeline', 'ORTSanaPipeline'], readings: [gemma] },
  'PixArt Alpha': {
    classes: ['PixArtAlphaPipeline'],
    readings: [{ ...t5, tokens: 120 }],
    modules: 'pixart',
  },
  'PixArt Sigma': { classes: ['PixArtSigmaPipeline'], readings: [t5], modules: 'pixart' },
} satisfies Record<string, Family>;

export type FamilyName = keyof typeof rows;

export const families: Readonly<Record<FamilyName, Family>> = rows;

/** All classes that can be trained. */
export const trainableClasses: readonly string[] = Object.values(families).flatMap(
  ({ classes }) => classes,
);

/** The family of a class; undefined for one that cannot be trained. */
export function familyOf(className: string): FamilyName | undefined {
  const names = Object.keys(families) as FamilyName[];
  return names.find((name) => families[name].classes.includes(className));
}

const side = z.number().int().positive();
const offset = z.number().int().nonnegative();

/**
 * `conditioning.json`, which may lie beside `model_index.json`: what diffusers takes as arguments
 * of a call and Darkroom as a property of the pipeline. Each left out is diffusers' default.
 */
export const conditioningSettingsSchema = z.strictObject({
  /** Tokens of a T5 or Gemma encoder. */
  maxSequenceLength: z.number().int().min(2).max(4096).optional(),
  /** Sana's instruction to its encoder, a line each; none where empty. */
  instruction: z.array(z.string()).optional(),
  /** What SDXL is told of an image's sizes, in pixels: [height, width], and [top, left]. */
  originalSize: z.tuple([side, side]).optional(),
  targetSize: z.tuple([side, side]).optional(),
  cropTopLeft: z.tuple([offset, offset]).default([0, 0]),
});

export type ConditioningSettings = z.output<typeof conditioningSettingsSchema>;

/** A family's readings as a pipeline's settings have them. */
export function readingsOf(family: FamilyName, settings: ConditioningSettings): TextReading[] {
  const { maxSequenceLength, instruction } = settings;
  return families[family].readings.map((reading) => ({
    ...reading,
    ...(reading.kind === 'pieces' && maxSequenceLength && { tokens: maxSequenceLength }),
    ...(reading.instruction && instruction && { instruction }),
  }));
}
