/**
 * @file Stable Diffusion 3 and 3.5: the rows of two CLIP encoders side by side, without their last
 * layers, then those of T5, as wide; the embeddings of the whole text by both CLIPs. Without T5 its
 * rows are zeros. Source: `StableDiffusion3Pipeline.encode_prompt` of huggingface/diffusers.
 */
import { z } from 'zod';
import { zeros } from '@/trainer/graph/tensor';
import { type PipelineLayout, transformerLevel } from '../layouts';
import { sideBySide, stackedRows } from './widths';

const positive = z.number().int().positive();

export const stableDiffusion3: PipelineLayout = {
  denoiser: 'transformer',
  shape: z
    .object({ joint_attention_dim: positive, pooled_projection_dim: positive })
    .transform((config) => ({ text_encoder, text_encoder_3 }) => ({
      encoder_hidden_states: [text_encoder! + text_encoder_3!, config.joint_attention_dim],
      pooled_projections: [config.pooled_projection_dim],
    })),
  outputs: {
    text_encoder: ['penultimate', 'text_embeds'],
    text_encoder_2: ['penultimate', 'text_embeds'],
    text_encoder_3: ['last_hidden_state'],
  },
  async conditioning({ prompt, read, shape }) {
    const [first, second, t5] = await Promise.all(
      ['text_encoder', 'text_encoder_2', 'text_encoder_3'].map((encoder) =>
        read(encoder, prompt ?? ''),
      ),
    );
    const [rows, width] = shape.encoder_hidden_states as [number, number];
    const clips = sideBySide([first!.outputs.penultimate!, second!.outputs.penultimate!], width);
    const own = t5?.outputs.last_hidden_state ?? zeros('float32', [rows - clips.dims[0]!, width]);
    return {
      encoder_hidden_states: stackedRows([clips, own], width),
      pooled_projections: sideBySide([first!.outputs.text_embeds!, second!.outputs.text_embeds!]),
    };
  },
  level: transformerLevel,
};
