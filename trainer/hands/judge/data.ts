/**
 * @file What judges learn from: drawn hands of every count, malformed ones, and ghosts (the latents
 * of two hands averaged, as by a generator that cannot decide), most of them redrawn in the
 * generator's handwriting.
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
import { createRandom, type Random } from '@/trainer/random';
import type { Engine } from '@/trainer/runtime/engine';
import { IMAGE_BYTES } from '../pretrain/dataset';
import type { PipelineWeights } from '../pretrain/export';
import { FINGER_COUNTS } from '../world/attributes';
import { IMAGE_SIZE } from '../world/draw';
import { renderMalformedHand } from '../world/malform';
import { renderHand } from '../world/render';
import { loadRestyler, type RestyleInput } from './restyle';
import { QUESTION_NAMES, rightAnswers } from './verdict';

/** Shares of the kinds of images, and how they are redrawn. */
const KINDS = {
  malformed: 0.12,
  ghosts: 0.08,
  /** Of the others: hands with five fingers. The rest is spread over the other counts. */
  five: 0.45,
  blood: 0.4,
  /** Images left as drawn. */
  asDrawn: 0.35,
  /** Timesteps at which images enter the generator; 0 is the autoencoder alone. */
  timesteps: [0, 100, 200, 300],
  /**
   * Batches without malformed hands enter at these too, where the generator would mend what is
   * broken.
   */
  lateTimesteps: [380, 450],
  late: 0.25,
};

const ANSWER_BYTES = QUESTION_NAMES.length;
const RECORD_BYTES = IMAGE_BYTES + ANSWER_BYTES;
const AT_ONCE = 50;

export interface JudgeData {
  count: number;
  image(index: number): Uint8Array;
  /** Index of the right answer per question. */
  answers(index: number): Uint8Array;
}

interface Example extends RestyleInput {
  answers: number[];
}

function drawExample(random: Random, healthy: boolean): Example {
  const seed = random.integer(2 ** 31) * 2 ** 20;
  const rates = { deformed: 0.6, blood: KINDS.blood };
  const kind = healthy ? 1 : random.next();
  if (kind < KINDS.malformed) {
    const { pixels, truth } = renderMalformedHand(seed, { ...rates, deformed: 0.3 });
    return {
      pixels,
      other: pixels,
      share: 0,
      answers: rightAnswers({ ...truth, fingers: 'unclear' }),
    };
  }
  const fingers = random.chance(KINDS.five)
    ? 5
    : random.pick(FINGER_COUNTS.filter((count) => count !== 5));
  const { pixels, truth } = renderHand(seed, { fingers }, rates);
  if (kind < KINDS.malformed + KINDS.ghosts) {
    const { fingers: own, ...same } = truth;
    const others = FINGER_COUNTS.filter((count) => count !== own);
    const other = renderHand(seed, { ...same, fingers: random.pick(others) }).pixels;
    return {
      pixels,
      other,
      share: random.between(0.35, 0.65),
      answers: rightAnswers({ ...truth, fingers: 'unclear' }),
    };
  }
  return { pixels, other: pixels, share: 0, answers: rightAnswers(truth) };
}

/** Opens the data of a judge, making it first where the file is missing. */
export async function openJudgeData(
  engine: Engine,
  path: string,
  seed: number,
  count: number,
  weights: PipelineWeights,
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
  weights: PipelineWeights,
): Promise<void> {
  const random = createRandom(seed);
  const restyler = await loadRestyler(engine, weights, AT_ONCE);
  const file = openSync(`${path}.part`, 'w');
  for (let first = 0; first < count; first += AT_ONCE) {
    const late = random.chance(KINDS.late);
    const timestep = random.pick(late ? KINDS.lateTimesteps : KINDS.timesteps);
    const examples = Array.from({ length: AT_ONCE }, () => drawExample(random, late));
    const redrawn = await restyler.restyle(random, examples, timestep);
    examples.slice(0, count - first).forEach((example, at) => {
      const asDrawn = example.share === 0 && random.chance(KINDS.asDrawn);
      const image = redrawn.subarray(at * IMAGE_BYTES, (at + 1) * IMAGE_BYTES);
      writeSync(file, asDrawn ? example.pixels : image);
      writeSync(file, Uint8Array.from(example.answers));
    });
  }
  closeSync(file);
  renameSync(`${path}.part`, path);
}

/**
 * A copy of an image with a little noise, blur and brightness, so that a judge learns to look past
 * them.
 */
export function disturb(random: Random, image: Uint8Array): Uint8Array {
  const gain = random.between(0.94, 1.06);
  const noise = random.chance(0.5) ? random.between(0, 9) : 0;
  const blur = random.chance(0.4) ? random.between(0, 0.8) : 0;
  const row = IMAGE_SIZE * 3;
  const disturbed = new Uint8Array(image.length);
  for (let at = 0; at < image.length; at++) {
    const value = image[at]!;
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
