/**
 * A text-to-image pipeline of a few thousand random weights in Optimum's layout: 32×32 pixels, real
 * structure.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import { Builder } from '@/trainer/graph/builder';
import type { Graph } from '@/trainer/graph/model';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, sizeOf } from '@/trainer/graph/tensor';
import { buildClipText, clipTextConfigSchema } from '@/trainer/hands/networks/clip-text';
import { Layers } from '@/trainer/hands/networks/layers';
import { buildUnet, unetConfigSchema } from '@/trainer/hands/networks/unet';
import { buildVaeDecoder, buildVaeEncoder, type VaeConfig } from '@/trainer/hands/networks/vae';
import { buildTokenizer, PROMPT_TOKENS, writeTokenizer } from '@/trainer/hands/tokenizer';

const width = 8;

const unetConfig = {
  _class_name: 'UNet2DConditionModel',
  attention_head_dim: 2,
  block_out_channels: [8, 16],
  cross_attention_dim: width,
  down_block_types: ['CrossAttnDownBlock2D', 'DownBlock2D'],
  in_channels: 4,
  layers_per_block: 1,
  norm_num_groups: 4,
  out_channels: 4,
  sample_size: 8,
  up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D'],
};

const textConfig = {
  architectures: ['CLIPTextModel'],
  hidden_act: 'quick_gelu',
  hidden_size: width,
  intermediate_size: 16,
  max_position_embeddings: PROMPT_TOKENS,
  num_attention_heads: 2,
  num_hidden_layers: 1,
  vocab_size: Object.keys(buildTokenizer().vocabulary).length,
};

const vaeConfig: VaeConfig = {
  imageSize: 32,
  patchSize: 4,
  latentChannels: 4,
  encoderChannels: 8,
  encoderBlocks: 1,
  decoderChannels: 8,
  decoderBlocks: 1,
  pixelChannels: 4,
  groups: 4,
};

const schedulerConfig = {
  _class_name: 'DDIMScheduler',
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  clip_sample: false,
  steps_offset: 1,
};

/** Builds one network; its first axis becomes symbolic, as exporters leave it. */
function network(name: string, build: (layers: Layers, builder: Builder) => void): Graph {
  const builder = new Builder(name);
  const layers = new Layers(builder, (weight, dims) =>
    builder.constant(weight, float32(dims, initialWeight(`${name} ${weight}`, dims))),
  );
  build(layers, builder);
  const graph = builder.finish();
  for (const port of [...graph.inputs, ...graph.outputs]) {
    if (port.dims.length > 0) port.dims = ['batch_size', ...port.dims.slice(1)];
  }
  return graph;
}

function initialWeight(name: string, dims: readonly number[]): Float32Array {
  const isNorm = /norm/.test(name);
  if (name.endsWith('.bias')) return new Float32Array(sizeOf(dims));
  if (isNorm) return new Float32Array(sizeOf(dims)).fill(1);
  const fanIn = sizeOf(dims.slice(1));
  return gaussianNoise(name, sizeOf(dims)).map((value) => value / Math.sqrt(fanIn));
}

/** Writes the pipeline into `folder`, which it makes. */
export async function writeTinyPipeline(folder: string): Promise<void> {
  const networks = {
    unet: network('unet', (layers, b) => {
      const sample = b.input('sample', 'float32', [1, 4, 8, 8]);
      const timestep = b.input('timestep', 'int64', []);
      const context = b.input('encoder_hidden_states', 'float32', [1, PROMPT_TOKENS, width]);
      const config = unetConfigSchema.parse(unetConfig);
      b.output(buildUnet(layers, config, { sample, timestep, context }), 'out_sample');
    }),
    text_encoder: network('text encoder', (layers, b) => {
      const ids = b.input('input_ids', 'int64', [1, PROMPT_TOKENS]);
      const config = clipTextConfigSchema.parse(textConfig);
      b.output(buildClipText(layers, config, ids), 'last_hidden_state');
    }),
    vae_decoder: network('decoder', (layers, b) => {
      const latents = b.input('latent_sample', 'float32', [1, 4, 8, 8]);
      b.output(buildVaeDecoder(layers, vaeConfig, latents), 'sample');
    }),
    vae_encoder: network('encoder', (layers, b) => {
      const images = b.input('sample', 'float32', [1, 3, 32, 32]);
      b.output(buildVaeEncoder(layers, vaeConfig, images), 'latent_sample');
    }),
  };
  const configs = {
    unet: unetConfig,
    text_encoder: textConfig,
    vae_decoder: { _class_name: 'AutoencoderKL', scaling_factor: 0.5 },
    vae_encoder: { _class_name: 'AutoencoderKL', scaling_factor: 0.5 },
  };
  const json = (path: string, value: unknown) =>
    writeFile(join(folder, path), JSON.stringify(value, null, 2));
  for (const name of ['unet', 'text_encoder', 'vae_decoder', 'vae_encoder'] as const) {
    await mkdir(join(folder, name), { recursive: true });
    await writeFile(join(folder, name, 'model.onnx'), serializeOnnx(networks[name]));
    await json(`${name}/config.json`, configs[name]);
  }
  await mkdir(join(folder, 'scheduler'), { recursive: true });
  await json('scheduler/scheduler_config.json', schedulerConfig);
  await json('model_index.json', { _class_name: 'ORTStableDiffusionPipeline' });
  await mkdir(join(folder, 'tokenizer'), { recursive: true });
  writeTokenizer(join(folder, 'tokenizer'));
}
