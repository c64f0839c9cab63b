/**
 * @file Writes the built-in policy: one folder that is both Optimum's layout (ONNX graphs) and
 * diffusers' (config and safetensors). The graphs of UNet and text encoder hold no weights: they
 * point into the safetensors beside them.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { layoutSafetensors, serializeSafetensors } from '@/trainer/formats/safetensors';
import type { Constant } from '@/trainer/graph/model';
import type { Tensor } from '@/trainer/graph/tensor';
import { buildClipText } from '../networks/clip-text';
import { buildUnet } from '../networks/unet';
import { VAE_CONFIG } from '../networks/vae';
import { PROMPT_TOKENS, writeTokenizer } from '../tokenizer';
import {
  decodeScaled,
  encodeScaled,
  LATENT_CHANNELS,
  LATENT_SIDE,
  type LatentScale,
} from './latents';
import { SCHEDULER_JSON, TEXT_CONFIG, TEXT_JSON, UNET_CONFIG, UNET_JSON } from './pipeline-config';
import { portableNetwork, TRACED_BATCH } from './portable';
import type { Network } from './training';

export interface PipelineWeights {
  /** Names as in `Training`: "unet.…" and "text_encoder.…". */
  diffusion: ReadonlyMap<string, Tensor>;
  vae: ReadonlyMap<string, Tensor>;
  scale: LatentScale;
}

const UNET_WEIGHTS = 'diffusion_pytorch_model.safetensors';
const TEXT_WEIGHTS = 'model.safetensors';

/** Weights whose names begin with `prefix` and a dot, without it. */
function within(weights: ReadonlyMap<string, Tensor>, prefix: string): Map<string, Tensor> {
  const start = `${prefix}.`;
  return new Map(
    [...weights]
      .filter(([name]) => name.startsWith(start))
      .map(([name, value]) => [name.slice(start.length), value]),
  );
}

/** The same weights as references into a safetensors file at `location`. */
function pointers(weights: ReadonlyMap<string, Tensor>, location: string): Map<string, Constant> {
  const { spans } = layoutSafetensors(weights, { format: 'pt' });
  return new Map(
    [...weights].map(([name, { dtype, dims }]) => {
      const span = spans.get(name) as { offset: number; length: number };
      return [name, { dtype, dims, external: { location, ...span } }];
    }),
  );
}

/** Writes the whole pipeline into `folder`. */
export function exportPipeline(folder: string, weights: PipelineWeights): void {
  const write = (path: string, content: Uint8Array | object) => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    const bytes = content instanceof Uint8Array ? content : `${JSON.stringify(content, null, 2)}\n`;
    writeFileSync(join(folder, path), bytes);
  };
  const unet = within(weights.diffusion, 'unet');
  const text = within(weights.diffusion, 'text_encoder');
  const latentDims = [TRACED_BATCH, LATENT_CHANNELS, LATENT_SIDE, LATENT_SIDE];
  const imageDims = [TRACED_BATCH, 3, VAE_CONFIG.imageSize, VAE_CONFIG.imageSize];

  const unetGraph: Network = (layers) => {
    const b = layers.builder;
    const sample = b.input('sample', 'float32', latentDims);
    const timestep = b.input('timestep', 'int64', [TRACED_BATCH]);
    const context = b.input('encoder_hidden_states', 'float32', [
      TRACED_BATCH,
      PROMPT_TOKENS,
      UNET_CONFIG.cross_attention_dim,
    ]);
    return { out_sample: buildUnet(layers, UNET_CONFIG, { sample, timestep, context }) };
  };
  write(`unet/${UNET_WEIGHTS}`, serializeSafetensors(unet, { format: 'pt' }));
  write('unet/model.onnx', portableNetwork('unet', pointers(unet, UNET_WEIGHTS), unetGraph));
  write('unet/config.json', UNET_JSON);

  const textGraph: Network = (layers) => {
    const ids = layers.builder.input('input_ids', 'int64', [TRACED_BATCH, PROMPT_TOKENS]);
    return { last_hidden_state: buildClipText(layers, TEXT_CONFIG, ids) };
  };
  write(`text_encoder/${TEXT_WEIGHTS}`, serializeSafetensors(text, { format: 'pt' }));
  write(
    'text_encoder/model.onnx',
    portableNetwork('text encoder', pointers(text, TEXT_WEIGHTS), textGraph),
  );
  write('text_encoder/config.json', TEXT_JSON);

  const decoder: Network = (layers) => {
    const latents = layers.builder.input('latent_sample', 'float32', latentDims);
    return { sample: decodeScaled(layers, weights.scale, latents) };
  };
  const encoder: Network = (layers) => {
    const images = layers.builder.input('sample', 'float32', imageDims);
    return { latent_sample: encodeScaled(layers, weights.scale, images) };
  };
  const vaeConfig = {
    in_channels: 3,
    latent_channels: LATENT_CHANNELS,
    out_channels: 3,
    sample_size: VAE_CONFIG.imageSize,
    // The graphs scale by themselves, channel by channel.
    scaling_factor: 1,
  };
  write('vae_decoder/model.onnx', portableNetwork('vae decoder', weights.vae, decoder));
  write('vae_decoder/config.json', vaeConfig);
  write('vae_encoder/model.onnx', portableNetwork('vae encoder', weights.vae, encoder));
  write('vae_encoder/config.json', vaeConfig);

  write('scheduler/scheduler_config.json', SCHEDULER_JSON);
  writeTokenizer(join(folder, 'tokenizer'));
  write('model_index.json', {
    _class_name: 'ORTStableDiffusionPipeline',
    feature_extractor: [null, null],
    requires_safety_checker: false,
    safety_checker: [null, null],
    scheduler: ['diffusers', 'DDIMScheduler'],
    text_encoder: ['transformers', 'CLIPTextModel'],
    tokenizer: ['transformers', 'CLIPTokenizer'],
    unet: ['diffusers', 'UNet2DConditionModel'],
    vae_decoder: ['optimum.onnxruntime', 'ORTModelVaeDecoder'],
    vae_encoder: ['optimum.onnxruntime', 'ORTModelVaeEncoder'],
  });
}
