/**
 * @file The built-in autoencoder: 64x64 RGB in [-1, 1] to 4x16x16 latents and back. It works on 4x4
 * patches (pixel unshuffle) so that its convolutions run at 16x16: at full size it would learn six
 * times slower per second.
 */
import type { Value } from '@/trainer/graph/builder';
import type { Layers, Path } from './layers';

export interface VaeConfig {
  imageSize: number;
  patchSize: number;
  latentChannels: number;
  encoderChannels: number;
  encoderBlocks: number;
  decoderChannels: number;
  decoderBlocks: number;
  /** Channels at full size before the last convolution. */
  pixelChannels: number;
  groups: number;
}

export const VAE_CONFIG: VaeConfig = {
  imageSize: 64,
  patchSize: 4,
  latentChannels: 4,
  encoderChannels: 64,
  encoderBlocks: 2,
  decoderChannels: 112,
  decoderBlocks: 3,
  pixelChannels: 8,
  groups: 16,
};

const EPSILON = 1e-6;

/** Appends the encoder: images [batch, 3, 64, 64] in [-1, 1] to the mean of their latents. */
export function buildVaeEncoder(layers: Layers, config: VaeConfig, images: Value): Value {
  const b = layers.builder;
  const { patchSize: patch, imageSize } = config;
  const side = imageSize / patch;
  const split = b.op('Reshape', [images, b.ints([0, 3, side, patch, side, patch])]);
  const gathered = b.op('Transpose', [split], { perm: [0, 1, 3, 5, 2, 4] });
  let x = b.op('Reshape', [gathered, b.ints([0, 3 * patch * patch, side, side])]);
  x = layers.conv(['encoder', 'conv_in'], x, config.encoderChannels, { kernel: 3 });
  for (let block = 0; block < config.encoderBlocks; block++) {
    x = residual(layers, ['encoder', `resnets.${block}`], x, config.groups);
  }
  x = layers.groupNorm(['encoder', 'conv_norm_out'], x, config.groups, EPSILON);
  x = layers.silu(['encoder', 'conv_act'], x);
  return layers.conv(['encoder', 'conv_out'], x, config.latentChannels, { kernel: 3 });
}

/**
 * Appends the decoder: latents [batch, 4, 16, 16] to images [batch, 3, 64, 64], about in [-1, 1].
 */
export function buildVaeDecoder(layers: Layers, config: VaeConfig, latents: Value): Value {
  const b = layers.builder;
  const { patchSize: patch, imageSize, pixelChannels } = config;
  const side = imageSize / patch;
  let x = layers.conv(['decoder', 'conv_in'], latents, config.decoderChannels, { kernel: 3 });
  for (let block = 0; block < config.decoderBlocks; block++) {
    x = residual(layers, ['decoder', `resnets.${block}`], x, config.groups);
  }
  x = layers.groupNorm(['decoder', 'conv_norm_out'], x, config.groups, EPSILON);
  x = layers.silu(['decoder', 'conv_act'], x);
  x = layers.conv(['decoder', 'to_pixels'], x, pixelChannels * patch * patch, { kernel: 3 });
  const split = b.op('Reshape', [x, b.ints([0, pixelChannels, patch, patch, side, side])]);
  const spread = b.op('Transpose', [split], { perm: [0, 1, 4, 2, 5, 3] });
  x = b.op('Reshape', [spread, b.ints([0, pixelChannels, imageSize, imageSize])]);
  return layers.conv(['decoder', 'conv_out'], x, 3, { kernel: 3 });
}

function residual(layers: Layers, path: Path, x: Value, groups: number): Value {
  const width = layers.channels(x);
  const half = (index: number, value: Value) => {
    const normal = layers.groupNorm([...path, `norm${index}`], value, groups, EPSILON);
    const active = layers.silu([...path, `act${index}`], normal);
    return layers.conv([...path, `conv${index}`], active, width, { kernel: 3 });
  };
  return layers.op(path, 'Add', [x, half(2, half(1, x))]);
}
