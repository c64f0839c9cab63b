/**
 * @file The families of pipelines, a row each: what their folders hold, and what their denoiser is
 * told of a prompt.
 */

export interface PipelineLayout {
  /** The names that `model_index.json` may give it. */
  classes: readonly string[];
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
