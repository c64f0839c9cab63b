/**
 * @file What a family of pipelines is to the trainer: what denoises, and how a prompt becomes what
 * the denoiser is told of it. Names of folders and how prompts are read stand in lib/families.ts.
 */
import type { z } from 'zod';
import type { ConditioningSettings } from '@/lib/families';
import type { Graph } from '@/trainer/graph/model';
import type { Tensor } from '@/trainer/graph/tensor';
import type { denoiserKinds } from '../denoiser-kinds';
import type { Conditioning, ConditioningShape } from './conditioning';

/**
 * An output of a text encoder. The penultimate is the one of `hidden_states.N` before the last
 * layer's, without the final norm.
 */
export type EncoderOutput = 'last_hidden_state' | 'penultimate' | 'text_embeds';

/** What an encoder made of one text, without an axis for texts. */
export interface ReadText {
  /** [tokens, width], or [width] of an output that stands for the whole text. */
  outputs: Readonly<Record<string, Tensor<'float32'>>>;
  /** [tokens, 1]: 1 for each that is not padding. */
  mask: Tensor<'float32'>;
}

/** A prompt being encoded. */
export interface PromptReading {
  /** null stands for no prompt, which guidance leads away from. */
  prompt: string | null;
  /**
   * What an encoder says of a text, undefined where the folder has none. @param instructed with
   * the reading's instruction before it
   */
  read(encoder: string, text: string, instructed?: boolean): Promise<ReadText | undefined>;
  shape: ConditioningShape;
  settings: ConditioningSettings;
  /** Whether no prompt is zeros rather than the empty one. */
  zerosForNone: boolean;
  /** Of images, in pixels: [height, width]. */
  imageSize: readonly [number, number];
}

/** Tokens that are encoded, by encoder. */
export type TokenCounts = Readonly<Record<string, number>>;

export interface PipelineLayout {
  /** What denoises, a row of `denoiser-kinds.ts`. */
  denoiser: keyof typeof denoiserKinds;
  /** The denoiser's `config.json`, as the shapes that its ports for a prompt have. */
  shape: z.ZodType<(tokens: TokenCounts) => ConditioningShape>;
  /** What is taken of each encoder. */
  outputs: Readonly<Record<string, readonly EncoderOutput[]>>;
  conditioning(reading: PromptReading): Promise<Conditioning>;
  /**
   * A network that gives twice as many channels as it takes, noise before its variance, as one that
   * gives the noise alone. Left out, such a network is refused.
   */
  noiseOnly?(graph: Graph, channels: number): Graph;
  /**
   * Finds, in the path of a node's module, the block whose last activation a learned reward reads:
   * of a UNet every level on the way down, and the middle; of a transformer every block's
   * feed-forward of the image. Names as diffusers has them.
   */
  level: RegExp;
}

/** The levels of a UNet. */
export const unetLevel = /^(down_blocks\.\d+)\.(?:resnets|attentions)|^(mid_block)\./;

/** The blocks of a transformer. */
export const transformerLevel = /^(transformer_blocks\.\d+)\.ff(?:\.|$)/;
