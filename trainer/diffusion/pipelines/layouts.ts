/**
 * @file The families of pipelines, a row each: what their folders hold, and what their denoiser is
 * told of a prompt.
 */
import type { denoiserKinds } from '../denoiser-kinds';

export interface PipelineLayout {
  /** The names that `model_index.json` may give it. */
  classes: readonly string[];
  /** What denoises, a row of `denoiser-kinds.ts`. */
  denoiser: keyof typeof denoiserKinds;
  /**
   * What encodes a prompt: where it lies with its tokenizer, which of its outputs is taken, and for
   * which port.
   */
  encoder: { folder: string; tokenizer: string; output: string; port: string };
  /**
   * Finds, in a node's name, the block whose last activation a learned reward reads: every level on
   * the way down, and the middle. Names as diffusers has them.
   */
  level: RegExp;
}

export const layouts: readonly PipelineLayout[] = [
  {
    classes: [
      'StableDiffusionPipeline',
      'ORTStableDiffusionPipeline',
      'OnnxStableDiffusionPipeline',
    ],
    denoiser: 'unet',
    encoder: {
      folder: 'text_encoder',
      tokenizer: 'tokenizer',
      output: 'last_hidden_state',
      port: 'encoder_hidden_states',
    },
    level: /^\/(down_blocks\.\d+)\/(?:resnets|attentions)|^\/(mid_block)\//,
  },
];

/** The row of a class; undefined for one that cannot be trained. */
export function layoutOf(className: string): PipelineLayout | undefined {
  return layouts.find(({ classes }) => classes.includes(className));
}

/** All classes that can be trained. */
export const trainableClasses = layouts.flatMap(({ classes }) => classes);
