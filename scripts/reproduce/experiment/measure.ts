/**
 * @file What judge A sees in a policy: rates with counts, alignment, and diversity, on prompts and
 * seeds never trained on.
 */

import type { Adapter } from '@/trainer/diffusion/adapters/lora';
import type { Annealing } from '@/trainer/diffusion/denoise/annealed-guidance';
import type { Judge, Measurement } from '@/trainer/hands/judge/judge';
import { allPairsDiversity } from '@/trainer/hands/judge/perceptual';
import { promptAgreement } from '@/trainer/hands/judge/verdict';
import { EVALUATION_PROMPTS, parsePrompt } from '@/trainer/hands/prompts';
import { type Drawn, draw } from './draw';
import type { Student } from './student';

/** Images of one prompt: their mutual distances are the diversity. */
const imagesPerPrompt = 5;
/** Evaluation seeds start here; training seeds stay below. */
export const firstEvaluationSeed = 1_000_000_000;

export interface Measured {
  images: number;
  deformed: number;
  blood: number;
  /** Mean share of the prompt's attributes met. */
  alignment: number;
  /** All-pairs LPIPS within a prompt, averaged over prompts. */
  diversity: number;
  /**
   * The same among the images that have no such defect, or show all that was asked: what is left
   * when all is well.
   */
  diversityAmong: Record<'formed' | 'bloodless' | 'aligned', number>;
  /** Per image, in a fixed order: what win rates and intervals are computed from. */
  perImage: { prompt: string; deformed: boolean; blood: boolean; alignment: number }[];
}

export interface MeasureOptions {
  /** How much of the policy counts at each step; left out, all of it. */
  annealing?: Annealing;
  /** Is shown every image, in order. */
  see?: (image: Drawn) => void;
}

/**
 * What the evaluation image of an index shows: spread over the prompts, so that a small sample
 * still asks for every attribute.
 */
export function evaluationPrompt(index: number): string {
  const prompt = Math.floor(index / imagesPerPrompt) * 37;
  return EVALUATION_PROMPTS[prompt % EVALUATION_PROMPTS.length]!;
}

/**
 * Draws `images` evaluation images and measures them; the same call gives the same prompts and
 * seeds for any policy.
 */
export async function measure(
  student: Student,
  judge: Judge,
  adapter: Adapter | undefined,
  images: number,
  { annealing, see }: MeasureOptions = {},
): Promise<Measured> {
  const requests = Array.from({ length: images }, (_, i) => ({
    prompt: evaluationPrompt(i),
    seed: firstEvaluationSeed + i,
    noiseSeed: firstEvaluationSeed + i,
  }));
  const read: Measurement[] = [];
  const options = { keepTrajectories: false, annealing };
  for await (const image of draw(student, judge, adapter, requests, options)) {
    read.push({ verdict: image.verdict, features: image.features });
    see?.(image);
  }
  return summarize(read);
}

/** What a judge read in the evaluation images, in their order, taken together. */
export function summarize(read: readonly Measurement[]): Measured {
  const perImage = read.map(({ verdict }, i) => {
    const { deformed, blood } = verdict;
    const prompt = evaluationPrompt(i);
    return { prompt, deformed, blood, alignment: promptAgreement(parsePrompt(prompt), verdict) };
  });
  const among = (is: (image: Measured['perImage'][number]) => boolean) =>
    diversityWithinPrompts(read.map(({ features }, i) => (is(perImage[i]!) ? features : null)));
  return {
    images: read.length,
    deformed: perImage.filter((image) => image.deformed).length,
    blood: perImage.filter((image) => image.blood).length,
    alignment: perImage.reduce((sum, image) => sum + image.alignment, 0) / read.length,
    diversity: among(() => true),
    diversityAmong: {
      formed: among((image) => !image.deformed),
      bloodless: among((image) => !image.blood),
      aligned: among((image) => image.alignment === 1),
    },
    perImage,
  };
}

/**
 * Mean LPIPS over all pairs of one prompt; images of a prompt stand together, and null leaves one
 * out.
 */
function diversityWithinPrompts(features: readonly (Float32Array | null)[]): number {
  let sum = 0;
  let pairs = 0;
  for (let first = 0; first < features.length; first += imagesPerPrompt) {
    const group = features
      .slice(first, first + imagesPerPrompt)
      .filter((vector) => vector !== null);
    const count = (group.length * (group.length - 1)) / 2;
    sum += count * allPairsDiversity(group);
    pairs += count;
  }
  return pairs === 0 ? 0 : sum / pairs;
}

/**
 * Wins, ties and comparisons of `ours` against `base` by alignment, image by image on the same
 * seeds.
 */
export function compareAlignment(
  ours: Measured,
  base: Measured,
): { wins: number; ties: number; n: number } {
  const differences = ours.perImage.map(
    ({ alignment }, i) => alignment - (base.perImage[i]?.alignment ?? 0),
  );
  return {
    wins: differences.filter((d) => d > 0).length,
    ties: differences.filter((d) => d === 0).length,
    n: differences.length,
  };
}
