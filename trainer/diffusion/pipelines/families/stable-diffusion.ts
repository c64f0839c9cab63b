/** @file Stable Diffusion 1.x and 2.x: one CLIP encoder, whose last hidden states are all. */
import { z } from 'zod';
import { type PipelineLayout, unetLevel } from '../layouts';
import { widthSchema } from './widths';

export const stableDiffusion: PipelineLayout = {
  denoiser: 'unet',
  shape: z
    .object({ cross_attention_dim: widthSchema })
    .transform(({ cross_attention_dim: width }) => ({ text_encoder: tokens = 0 }) => ({
      encoder_hidden_states: [tokens, width],
    })),
  outputs: { text_encoder: ['last_hidden_state'] },
  async conditioning({ prompt, read }) {
    const text = await read('text_encoder', prompt ?? '');
    return { encoder_hidden_states: text!.outputs.last_hidden_state! };
  },
  level: unetLevel,
};
