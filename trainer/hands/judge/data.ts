/**
 * @file What judges learn from: drawn hands of every count, malformed ones, and ghosts (two hands' latents averaged, as a
 * generator does that cannot decide), half of them seen through the autoencoder with noise on the latents.
 */
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { Builder } from '@/trainer/graph/builder';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { expectDtype, float32, type Tensor, tensor } from '@/trainer/graph/tensor';
import type { Engine } from '@/trainer/runtime/engine';
import { Layers } from '../networks/layers';
import { buildVaeDecoder, buildVaeEncoder, VAE_CONFIG } from '../networks/vae';
import { IMAGE_BYTES } from '../pretrain/dataset';
import { bytesFromImages, imagesFromBytes } from '../pretrain/vae-stage';
import { FINGER_COUNTS } from '../world/attributes';
import { IMAGE_SIZE } from '../world/draw';
import { renderMalformedHand } from '../world/malform';
import { createRandom, type Random } from '../world/random';
import { renderHand } from '../world/render';
import { QUESTION_NAMES, rightAnswers } from './verdict';

/** Shares of the kinds of images, and how they are degraded. */
export const JUDGE_DATA = {
  malformed: 0.14,
  ghosts: 0.08,
  /** Of the others: hands with five fingers. The rest is spread over the other counts. */
  five: 0.4,
  blood: 0.4,
  throughAutoencoder: 0.6,
  /** Largest standard deviation of the noise on the autoencoder's latents. */
  latentNoiseMax: 0.35,
};

const ANSWER_BYTES = QUESTION_NAMES.length;
const RECORD_BYTES = IMAGE_BYTES + ANSWER_BYTES;
const AT_ONCE = 50;
const LATENT_DIMS = [AT_ONCE, VAE_CONFIG.latentChannels, 16, 16];
const LATENT_SIZE = VAE_CONFIG.latentChannels * 16 * 16;

export interface JudgeData {
  count: number;
  image(index: number): Uint8Array;
  /** Index of the right answer per question. */
  answers(index: number): Uint8Array;
}

interface Example {
  pixels: Uint8Array;
  /** A second image to be mixed in, for ghosts. */
  other: Uint8Array;
  share: number;
  answers: number[];
}

function drawExample(random: Random): Example {
  const seed = random.integer(2 ** 31) * 2 ** 20;
  const rates = { deformed: 0.6, blood: JUDGE_DATA.blood };
  const kind = random.next();
  if (kind < JUDGE_DATA.malformed) {
    const { pixels, truth } = renderMalformedHand(seed, { ...rates, deformed: 0.3 });
    return {
      pixels,
      other: pixels,
      share: 0,
      answers: rightAnswers({ ...truth, fingers: 'unclear' }),
    };
  }
  const fingers = random.chance(JUDGE_DATA.five)
    ? 5
    : random.pick(FINGER_COUNTS.filter((count) => count !== 5));
  const { pixels, truth } = renderHand(seed, { fingers }, rates);
  if (kind < JUDGE_DATA.malformed + JUDGE_DATA.ghosts) {
    const { fingers: own, ...same } = truth;
    const others = FINGER_COUNTS.filter((count) => count !== own);
    const other = renderHand(seed + 1, { ...same, fingers: random.pick(others) }).pixels;
    return {
      pixels,
      other,
      share: random.between(0.4, 0.6),
      answers: rightAnswers({ ...truth, fingers: 'unclear' }),
    };
  }
  return { pixels, other: pixels, share: 0, answers: rightAnswers(truth) };
}

async function loadDegrader(engine: Engine, weights: ReadonlyMap<string, Tensor>) {
  const b = new Builder('degrade');
  const layers = new Layers(b, (name) =>
    b.has(name) ? name : b.constant(name, weights.get(name) as Tensor),
  );
  const bytes = (name: string) =>
    imagesFromBytes(b, b.input(name, 'uint8', [AT_ONCE, IMAGE_SIZE, IMAGE_SIZE, 3]));
  const first = buildVaeEncoder(layers, VAE_CONFIG, bytes('pixels'));
  const second = buildVaeEncoder(layers, VAE_CONFIG, bytes('other'));
  const share = b.input('share', 'float32', [AT_ONCE, 1, 1, 1]);
  const mixed = b.add(first, b.mul(b.sub(second, first), share));
  const noisy = b.add(mixed, b.input('noise', 'float32', LATENT_DIMS));
  b.output(bytesFromImages(b, buildVaeDecoder(layers, VAE_CONFIG, noisy)), 'painted');
  return engine.load(serializeOnnx(b.finish()), { name: 'degrade' });
}

/** Opens the data of a judge, making it first where the file is missing. `weights` are the autoencoder's. */
export async function openJudgeData(
  engine: Engine,
  path: string,
  seed: number,
  count: number,
  weights: ReadonlyMap<string, Tensor>,
): Promise<JudgeData> {
  if (!existsSync(path) || statSync(path).size !== count * RECORD_BYTES) {
    await makeData(engine, path, seed, count, weights);
  }
  const bytes = readFileSync(path);
  return {
    count,
    image: (index) => bytes.subarray(index * RECORD_BYTES, index * RECORD_BYTES + IMAGE_BYTES),
    answers: (index) =>
      bytes.subarray(index * RECORD_BYTES + IMAGE_BYTES, (index + 1) * RECORD_BYTES),
  };
}

async function makeData(
  engine: Engine,
  path: string,
  seed: number,
  count: number,
  weights: ReadonlyMap<string, Tensor>,
): Promise<void> {
  const random = createRandom(seed);
  const degrader = await loadDegrader(engine, weights);
  const file = openSync(`${path}.part`, 'w');
  for (let first = 0; first < count; first += AT_ONCE) {
    const examples = Array.from({ length: AT_ONCE }, () => drawExample(random));
    const noise = new Float32Array(AT_ONCE * LATENT_SIZE);
    for (let at = 0; at < AT_ONCE; at++) {
      const level = random.between(0, JUDGE_DATA.latentNoiseMax);
      for (let i = at * LATENT_SIZE; i < (at + 1) * LATENT_SIZE; i++) {
        noise[i] = level * random.gaussian();
      }
    }
    const stack = (images: Uint8Array[]) =>
      tensor('uint8', [AT_ONCE, IMAGE_SIZE, IMAGE_SIZE, 3], new Uint8Array(Buffer.concat(images)));
    const outputs = await degrader.run({
      pixels: stack(examples.map((example) => example.pixels)),
      other: stack(examples.map((example) => example.other)),
      share: float32(
        [AT_ONCE, 1, 1, 1],
        examples.map((example) => example.share),
      ),
      noise: float32(LATENT_DIMS, noise),
    });
    const painted = expectDtype(outputs.painted as Tensor, 'uint8', 'painted').data;
    examples.slice(0, count - first).forEach((example, at) => {
      const degraded = example.share > 0 || random.chance(JUDGE_DATA.throughAutoencoder);
      const image = painted.subarray(at * IMAGE_BYTES, (at + 1) * IMAGE_BYTES);
      writeSync(file, degraded ? image : example.pixels);
      writeSync(file, Uint8Array.from(example.answers));
    });
  }
  closeSync(file);
  renameSync(`${path}.part`, path);
  await degrader.release();
}

/** A copy of an image with a little noise, blur and brightness, so that a judge learns to look past them. */
export function disturb(random: Random, image: Uint8Array): Uint8Array {
  const gain = random.between(0.94, 1.06);
  const noise = random.chance(0.5) ? random.between(0, 9) : 0;
  const blur = random.chance(0.4) ? random.between(0, 0.8) : 0;
  const row = IMAGE_SIZE * 3;
  const disturbed = new Uint8Array(image.length);
  for (let at = 0; at < image.length; at++) {
    const value = image[at] as number;
    // Neighbours of the same channel; at the borders the pixel stands in for the missing ones.
    const around =
      ((image[at - 3] ?? value) +
        (image[at + 3] ?? value) +
        (image[at - row] ?? value) +
        (image[at + row] ?? value)) /
      4;
    const mixed = (value + (around - value) * blur) * gain;
    const noisy = noise > 0 ? mixed + noise * random.gaussian() : mixed;
    disturbed[at] = Math.min(Math.max(Math.round(noisy), 0), 255);
  }
  return disturbed;
}
