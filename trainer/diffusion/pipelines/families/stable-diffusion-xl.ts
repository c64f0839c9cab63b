/**
 * @file Stable Diffusion XL: two CLIP encoders side by side, each without its last layer, the
 * second's embedding of the whole text, and the sizes that an image is meant to have. Source:
 * `StableDiffusionXLPipeline.encode_prompt` and `_get_add_time_ids` of huggingface/diffusers.
 */
import { z } from 'zod';
import { float32, zeros } from '@/trainer/graph/tensor';
import { type PipelineLayout, unetLevel } from '../layouts';
import { sideBySide, widthSchema } from './widths';

/** Original height and width, top and left of the crop, target height and width. */
const sizes = 6;

const whole = z.number().int().positive();

export const stableDiffusionXl: PipelineLayout = {
  denoiser: 'unet',
  shape: z
    .object({
      cross_attention_dim: widthSchema,
      addition_time_embed_dim: whole,
      projection_class_embeddings_input_dim: whole,
    })
    .transform((config) => ({ text_encoder: tokens = 0 }) => ({
      encoder_hidden_states: [tokens, config.cross_attention_dim],
      text_embeds: [
        config.projection_class_embeddings_input_dim - sizes * config.addition_time_embed_dim,
      ],
      time_ids: [sizes],
    })),
  outputs: { text_encoder: ['penultimate'], text_encoder_2: ['penultimate', 'text_embeds'] },
  async conditioning({ prompt, read, shape, settings, imageSize, zerosForNone }) {
    const { originalSize = imageSize, targetSize = imageSize, cropTopLeft } = settings;
    const time_ids = float32([sizes], [...originalSize, ...cropTopLeft, ...targetSize]);
    if (prompt === null && zerosForNone) {
      const { encoder_hidden_states, text_embeds } = shape;
      return {
        encoder_hidden_states: zeros('float32', encoder_hidden_states!),
        text_embeds: zeros('float32', text_embeds!),
        time_ids,
      };
    }
    const [first, second] = await Promise.all(
      ['text_encoder', 'text_encoder_2'].map((encoder) => read(encoder, prompt ?? '')),
    );
    return {
      encoder_hidden_states: sideBySide([
        first!.outputs.penultimate!,
        second!.outputs.penultimate!,
      ]),
      text_embeds: second!.outputs.text_embeds!,
      time_ids,
    };
  },
  level: unetLevel,
};
