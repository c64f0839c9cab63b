/**
 * @file Sana: the hidden states of Gemma, and which of its rows are not padding. A prompt has an
 * instruction before it, of which only the first row is kept; no prompt has none. Source:
 * `SanaPipeline.encode_prompt` of huggingface/diffusers.
 */
import { z } from 'zod';
import { float32 } from '@/trainer/graph/tensor';
import { type PipelineLayout, transformerLevel } from '../layouts';

export const sana: PipelineLayout = {
  denoiser: 'transformer',
  shape: z
    .object({ caption_channels: z.number().int().positive() })
    .transform(({ caption_channels: width }) => ({ text_encoder }) => ({
      encoder_hidden_states: [text_encoder!, width],
      encoder_attention_mask: [text_encoder!],
    })),
  outputs: { text_encoder: ['last_hidden_state'] },
  async conditioning({ prompt, read }) {
    const text = await read('text_encoder', prompt ?? '', prompt !== null);
    return {
      encoder_hidden_states: text!.outputs.last_hidden_state!,
      encoder_attention_mask: float32([text!.mask.data.length], text!.mask.data),
    };
  },
  level: transformerLevel,
};
