/**
 * @file The data set's latents, encoded once: zero mean and unit variance per channel, so that
 * diffusion starts from what it ends in. The decoder undoes the scaling.
 */
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { z } from 'zod';
import { Builder, type Value } from '@/trainer/graph/builder';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { expectDtype, float32, type Tensor } from '@/trainer/graph/tensor';
import { type Engine, outputOf } from '@/trainer/runtime/engine';
import { Layers } from '../networks/layers';
import { buildVaeDecoder, buildVaeEncoder, VAE_CONFIG } from '../networks/vae';
import { IMAGE_SIZE } from '../world/draw';
import type { Dataset } from './dataset';
import { bytesFromImages, imageBatch, imagesFromBytes } from './vae-stage';

export const LATENT_CHANNELS = VAE_CONFIG.latentChannels;
export const LATENT_SIDE = VAE_CONFIG.imageSize / VAE_CONFIG.patchSize;
/** Numbers per image. */
export const LATENT_SIZE = LATENT_CHANNELS * LATENT_SIDE ** 2;
const ENCODED_AT_ONCE = 50;

const latentScaleSchema = z.object({ mean: z.array(z.number()), deviation: z.array(z.number()) });

/** Mean and standard deviation of what the encoder gives on the data set, per channel. */
export type LatentScale = z.infer<typeof latentScaleSchema>;

export interface LatentCache {
  count: number;
  scale: LatentScale;
  /** Scaled latents of image `index`, [4, 16, 16]. */
  latent(index: number): Float32Array;
}

/** Weights by name as constants. */
function constants(builder: Builder, weights: ReadonlyMap<string, Tensor>): Layers {
  return new Layers(builder, (name) => {
    const weight = weights.get(name);
    if (!weight) throw new Error(`The autoencoder lacks "${name}"; train it again.`);
    return builder.has(name) ? name : builder.constant(name, weight);
  });
}

function perChannel(b: Builder, values: readonly number[]): Value {
  return b.tensor(float32([1, values.length, 1, 1], values));
}

/** Opens the latents of `dataset`, encoding them first where the file is missing. */
export async function openLatents(
  engine: Engine,
  path: string,
  dataset: Dataset,
  weights: ReadonlyMap<string, Tensor>,
): Promise<LatentCache> {
  const bytes = dataset.count * LATENT_SIZE * 4;
  if (!existsSync(path) || statSync(path).size !== bytes) {
    await encodeAll(engine, path, dataset, weights);
  }
  const buffer = readFileSync(path);
  const all = new Float32Array(buffer.buffer, buffer.byteOffset, dataset.count * LATENT_SIZE);
  const scale = measure(all, dataset.count);
  writeFileSync(scalePath(path), `${JSON.stringify(scale)}\n`);
  const plane = LATENT_SIDE ** 2;
  for (let at = 0; at < all.length; at++) {
    const channel = Math.floor(at / plane) % LATENT_CHANNELS;
    const raw = all[at]!;
    all[at] = (raw - scale.mean[channel]!) / scale.deviation[channel]!;
  }
  return {
    count: dataset.count,
    scale,
    latent: (index) => all.subarray(index * LATENT_SIZE, (index + 1) * LATENT_SIZE),
  };
}

/** Where the scale of the latents at `path` is kept. */
export function scalePath(path: string): string {
  return path.replace(/\.bin$/, '.json');
}

/** The scale that `openLatents` measured on the latents at `path`. */
export function readLatentScale(path: string): LatentScale {
  return latentScaleSchema.parse(JSON.parse(readFileSync(scalePath(path), 'utf8')));
}

async function encodeAll(
  engine: Engine,
  path: string,
  dataset: Dataset,
  weights: ReadonlyMap<string, Tensor>,
): Promise<void> {
  const b = new Builder('vae encoder');
  const images = b.input('images', 'uint8', [ENCODED_AT_ONCE, IMAGE_SIZE, IMAGE_SIZE, 3]);
  b.output(buildVaeEncoder(constants(b, weights), VAE_CONFIG, imagesFromBytes(b, images)), 'z');
  const session = await engine.load(serializeOnnx(b.finish()), { name: 'vae encoder' });
  const file = openSync(`${path}.part`, 'w');
  for (let first = 0; first < dataset.count; first += ENCODED_AT_ONCE) {
    const indices = Array.from({ length: ENCODED_AT_ONCE }, (_, index) =>
      Math.min(first + index, dataset.count - 1),
    );
    const { data } = outputOf(
      await session.run({ images: imageBatch(dataset, indices) }),
      'z',
      'float32',
    );
    const wanted = Math.min(ENCODED_AT_ONCE, dataset.count - first) * LATENT_SIZE;
    writeSync(file, new Uint8Array(data.buffer, data.byteOffset, wanted * 4));
  }
  closeSync(file);
  renameSync(`${path}.part`, path);
  await session.release();
}

function measure(all: Float32Array, count: number): LatentScale {
  const plane = LATENT_SIDE ** 2;
  const sums = new Float64Array(LATENT_CHANNELS);
  const squares = new Float64Array(LATENT_CHANNELS);
  for (let at = 0; at < all.length; at++) {
    const channel = Math.floor(at / plane) % LATENT_CHANNELS;
    const value = all[at]!;
    sums[channel] = sums[channel]! + value;
    squares[channel] = squares[channel]! + value * value;
  }
  const mean = Array.from(sums, (sum) => sum / (count * plane));
  const deviation = Array.from(squares, (square, channel) =>
    Math.sqrt(square / (count * plane) - mean[channel]! ** 2),
  );
  return { mean, deviation };
}

/** Scaled latents to images [batch, 3, 64, 64], about in [-1, 1]. */
export function decodeScaled(layers: Layers, scale: LatentScale, latents: Value): Value {
  const b = layers.builder;
  const raw = b.add(b.mul(latents, perChannel(b, scale.deviation)), perChannel(b, scale.mean));
  return buildVaeDecoder(layers, VAE_CONFIG, raw);
}

/** Images [batch, 3, 64, 64] in [-1, 1] to scaled latents. */
export function encodeScaled(layers: Layers, scale: LatentScale, images: Value): Value {
  const b = layers.builder;
  const raw = buildVaeEncoder(layers, VAE_CONFIG, images);
  return b.div(b.sub(raw, perChannel(b, scale.mean)), perChannel(b, scale.deviation));
}

/** A function that turns scaled latents, `batch` at a time, into RGB bytes. */
export async function loadDecoder(
  engine: Engine,
  weights: ReadonlyMap<string, Tensor>,
  scale: LatentScale,
  batch: number,
): Promise<(latents: Float32Array) => Promise<Uint8Array>> {
  const b = new Builder('vae decoder');
  const dims = [batch, LATENT_CHANNELS, LATENT_SIDE, LATENT_SIDE];
  const latents = b.input('latents', 'float32', dims);
  const images = decodeScaled(constants(b, weights), scale, latents);
  b.output(bytesFromImages(b, images), 'images');
  const session = await engine.load(serializeOnnx(b.finish()), { name: 'vae decoder' });
  return async (values) => {
    const outputs = await session.run({ latents: float32(dims, values) });
    return expectDtype(outputs.images as Tensor, 'uint8', 'images').data;
  };
}
