/** @file The built-in pipeline's configuration files, as diffusers and transformers write them. */
import type { z } from 'zod';
import { scheduleConfigSchema } from '@/trainer/diffusion/schedulers/schedule';
import { type ClipTextConfig, clipTextConfigSchema } from '../networks/clip-text';
import { type UnetConfig, unetConfigSchema } from '../networks/unet';
import { VAE_CONFIG } from '../networks/vae';
import { buildTokenizer, END_TOKEN, PROMPT_TOKENS, START_TOKEN } from '../tokenizer';

const { vocabulary } = buildTokenizer();
const TEXT_WIDTH = 64;

/** unet/config.json: about 3.4 M weights, attention at 16x16 and 8x8. */
export const UNET_JSON = {
  _class_name: 'UNet2DConditionModel',
  act_fn: 'silu',
  attention_head_dim: [2, 4],
  block_out_channels: [64, 112],
  center_input_sample: false,
  cross_attention_dim: TEXT_WIDTH,
  down_block_types: ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
  downsample_padding: 1,
  flip_sin_to_cos: true,
  freq_shift: 0,
  in_channels: VAE_CONFIG.latentChannels,
  layers_per_block: 1,
  mid_block_scale_factor: 1,
  mid_block_type: 'UNetMidBlock2DCrossAttn',
  norm_eps: 1e-5,
  norm_num_groups: 16,
  out_channels: VAE_CONFIG.latentChannels,
  sample_size: VAE_CONFIG.imageSize / VAE_CONFIG.patchSize,
  up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'],
  use_linear_projection: false,
};

/** text_encoder/config.json. */
export const TEXT_JSON = {
  architectures: ['CLIPTextModel'],
  attention_dropout: 0,
  bos_token_id: vocabulary[START_TOKEN],
  eos_token_id: vocabulary[END_TOKEN],
  hidden_act: 'quick_gelu',
  hidden_size: TEXT_WIDTH,
  intermediate_size: 4 * TEXT_WIDTH,
  layer_norm_eps: 1e-5,
  max_position_embeddings: PROMPT_TOKENS,
  model_type: 'clip_text_model',
  num_attention_heads: 4,
  num_hidden_layers: 2,
  pad_token_id: vocabulary[END_TOKEN],
  projection_dim: TEXT_WIDTH,
  vocab_size: Object.keys(vocabulary).length,
};

/** scheduler/scheduler_config.json: Stable Diffusion's. */
export const SCHEDULER_JSON = {
  _class_name: 'DDIMScheduler',
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  beta_start: 0.00085,
  clip_sample: false,
  num_train_timesteps: 1000,
  prediction_type: 'epsilon',
  set_alpha_to_one: false,
  steps_offset: 1,
  timestep_spacing: 'leading',
};

export const UNET_CONFIG: UnetConfig = unetConfigSchema.parse(UNET_JSON);
export const TEXT_CONFIG: ClipTextConfig = clipTextConfigSchema.parse(TEXT_JSON);
export const SCHEDULE: z.output<typeof scheduleConfigSchema> =
  scheduleConfigSchema.parse(SCHEDULER_JSON);
