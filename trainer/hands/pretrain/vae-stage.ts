/**
 * @file Stage one: the autoencoder. It learns to repaint images from 4x16x16 numbers; noise on the
 * latents keeps the decoder forgiving, a small penalty keeps their scale, and edges count extra
 * because fingers are made of edges.
 */
import { join } from 'node:path';
import type { Builder, Value } from '@/trainer/graph/builder';
import { expectDtype, float32, type Tensor, tensor } from '@/trainer/graph/tensor';
import type { Engine } from '@/trainer/runtime/engine';
import { writeContactSheet } from '../contact-sheet';
import type { Layers } from '../networks/layers';
import { buildVaeDecoder, buildVaeEncoder, VAE_CONFIG } from '../networks/vae';
import { IMAGE_SIZE } from '../world/draw';
import { type Dataset, IMAGE_BYTES } from './dataset';
import { runStage, type StageSettings } from './stage';
import { Training } from './training';

export const VAE_SETTINGS: StageSettings & {
  /** Standard deviation of the noise on the latents while training. */
  latentNoise: number;
  latentPenalty: number;
  edgeWeight: number;
} = {
  steps: 2400,
  batch: 16,
  learningRate: 1.2e-3,
  warmUpSteps: 200,
  decaySteps: 2200,
  averageDecay: 0.998,
  seed: 11,
  latentNoise: 0.1,
  latentPenalty: 2e-3,
  edgeWeight: 0.5,
};

const LATENT_SIDE = VAE_CONFIG.imageSize / VAE_CONFIG.patchSize;
const SHOWN = 16;

/** RGB bytes [batch, 64, 64, 3] to [batch, 3, 64, 64] in [-1, 1]. */
export function imagesFromBytes(b: Builder, bytes: Value): Value {
  const numbers = b.op('Cast', [bytes], { to: 1 });
  const centred = b.sub(b.scale(numbers, 1 / 127.5), b.scalar(1));
  return b.transpose(centred, [0, 3, 1, 2]);
}

/** [batch, 3, 64, 64] about in [-1, 1] to RGB bytes [batch, 64, 64, 3]. */
export function bytesFromImages(b: Builder, images: Value): Value {
  const last = b.transpose(images, [0, 2, 3, 1]);
  const scaled = b.add(b.scale(last, 127.5), b.scalar(127.5 + 0.5));
  const kept = b.op('Min', [b.op('Max', [scaled, b.scalar(0)]), b.scalar(255)]);
  return b.op('Cast', [kept], { to: 2 });
}

function meanAbsolute(b: Builder, x: Value): Value {
  return b.reduceMean(
    b.op('Abs', [x]),
    b.dims(x).map((_, axis) => axis),
    false,
  );
}

function vaeLoss(layers: Layers, batch: number): Record<string, Value> {
  const b = layers.builder;
  const images = imagesFromBytes(b, b.input('images', 'uint8', [batch, IMAGE_SIZE, IMAGE_SIZE, 3]));
  const noise = b.input('noise', 'float32', [
    batch,
    VAE_CONFIG.latentChannels,
    LATENT_SIDE,
    LATENT_SIDE,
  ]);
  const latents = buildVaeEncoder(layers, VAE_CONFIG, images);
  const noisy = b.add(latents, b.scale(noise, VAE_SETTINGS.latentNoise));
  const error = b.sub(buildVaeDecoder(layers, VAE_CONFIG, noisy), images);
  const step = (axis: number) =>
    meanAbsolute(
      b,
      b.sub(b.slice(error, axis, 1, IMAGE_SIZE), b.slice(error, axis, 0, IMAGE_SIZE - 1)),
    );
  const pixels = meanAbsolute(b, error);
  const scale = b.reduceMean(b.mul(latents, latents), [0, 1, 2, 3], false);
  const loss = b.add(
    b.add(pixels, b.scale(b.add(step(2), step(3)), VAE_SETTINGS.edgeWeight)),
    b.scale(scale, VAE_SETTINGS.latentPenalty),
  );
  return { loss, pixels, scale };
}

/** Copies the images of these indices into one batch of bytes. */
export function imageBatch(dataset: Dataset, indices: readonly number[]): Tensor<'uint8'> {
  const bytes = new Uint8Array(indices.length * IMAGE_BYTES);
  indices.forEach((index, at) => {
    bytes.set(dataset.image(index), at * IMAGE_BYTES);
  });
  return tensor('uint8', [indices.length, IMAGE_SIZE, IMAGE_SIZE, 3], bytes);
}

export async function trainVae(
  engine: Engine,
  folder: string,
  dataset: Dataset,
  settings: StageSettings = VAE_SETTINGS,
): Promise<void> {
  const { batch } = settings;
  const training = await Training.compile(engine, 'vae', (layers) => vaeLoss(layers, batch));
  const roundTrip = await training.evaluation('vae round trip', (layers) => {
    const b = layers.builder;
    const bytes = b.input('images', 'uint8', [SHOWN, IMAGE_SIZE, IMAGE_SIZE, 3]);
    const latents = buildVaeEncoder(layers, VAE_CONFIG, imagesFromBytes(b, bytes));
    return { painted: bytesFromImages(b, buildVaeDecoder(layers, VAE_CONFIG, latents)) };
  });
  const shown = imageBatch(
    dataset,
    Array.from({ length: SHOWN }, (_, index) => index),
  );
  await runStage({
    name: 'vae',
    folder,
    settings,
    training,
    batch: (random) => ({
      images: imageBatch(
        dataset,
        Array.from({ length: batch }, () => random.integer(dataset.count)),
      ),
      noise: float32(
        [batch, VAE_CONFIG.latentChannels, LATENT_SIDE, LATENT_SIDE],
        new Float32Array(batch * VAE_CONFIG.latentChannels * LATENT_SIDE ** 2).map(() =>
          random.gaussian(),
        ),
      ),
    }),
    show: async (step) => {
      const [painted] = await roundTrip({ images: shown });
      const bytes = expectDtype(painted as Tensor, 'uint8', 'painted').data;
      const images = Array.from({ length: 2 * SHOWN }, (_, index) => {
        const at = (Math.floor(index / 16) * 8 + (index % 8)) * IMAGE_BYTES;
        const source = index % 16 < 8 ? shown.data : bytes;
        return source.subarray(at, at + IMAGE_BYTES);
      });
      const path = join(folder, `vae-${String(step).padStart(6, '0')}.png`);
      writeContactSheet(path, images, IMAGE_SIZE, { columns: 8, zoom: 2 });
    },
  });
}
