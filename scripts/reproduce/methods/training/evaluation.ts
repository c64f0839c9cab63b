/**
 * @file A policy on evaluation prompts and seeds: what judge A sees, and what the reward it was
 * trained by says.
 */
import { hackingAlarms, type ImageMeasures } from '@/lib/judges/alarms';
import { winRate } from '@/lib/statistics/proportion';
import type { Adapter } from '@/trainer/diffusion/adapters/lora';
import type { RgbImage } from '@/trainer/diffusion/images/png';
import { Judge } from '@/trainer/hands/judge/judge';
import { IMAGE_SIZE } from '@/trainer/hands/world/draw';
import type { Reward } from '@/trainer/rewards/reward';
import { scoresOf } from '@/trainer/rounds/rewards/score-images';
import { measure } from '../../experiment/measure';
import type { Desk } from '../desk';

/** Per image, in a fixed order of prompts and seeds. */
export interface Evaluation {
  deformed: boolean[];
  blood: boolean[];
  /** Share of the prompt's attributes shown. */
  alignment: number[];
  /** Scores of the reward; empty without one. */
  reward: number[];
  /** Mean LPIPS over all pairs of five images of one prompt, through the stages of judge A. */
  diversity: number;
}

export interface Evaluated {
  evaluation: Evaluation;
  images: PromptedImage[];
}

export interface PromptedImage {
  prompt: string;
  image: RgbImage;
}

/** Draws, judges and scores. @param adapter undefined for the base */
export async function evaluate(
  { engine, student }: Desk,
  adapter: Adapter | undefined,
  count: number,
  reward?: Reward,
): Promise<Evaluated> {
  const judge = await Judge.open(engine, 'a');
  const images: PromptedImage[] = [];
  const { perImage, diversity } = await measure(student, judge, adapter, count, {
    see: ({ prompt, pixels }) =>
      images.push({ prompt, image: { width: IMAGE_SIZE, height: IMAGE_SIZE, data: pixels } }),
  });
  const evaluation: Evaluation = {
    deformed: perImage.map(({ deformed }) => deformed),
    blood: perImage.map(({ blood }) => blood),
    alignment: perImage.map(({ alignment }) => alignment),
    reward: reward ? [...(await scoresOf(engine, reward, images))] : [],
    diversity,
  };
  return { evaluation, images };
}

export const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Images with any defect. */
export function defective({ deformed, blood }: Evaluation): number {
  return deformed.filter((bad, i) => bad || blood[i]).length;
}

/**
 * How often an image beats the base's of the same prompt and seed: fewer defects first, then more
 * of what was asked.
 */
export function winsAgainst(ours: Evaluation, base: Evaluation) {
  const compared = ours.alignment.map((alignment, i) => {
    const defects = (of: Evaluation) => Number(of.deformed[i]) + Number(of.blood[i]);
    return defects(base) - defects(ours) || alignment - base.alignment[i]!;
  });
  const record = {
    wins: compared.filter((difference) => difference > 0).length,
    ties: compared.filter((difference) => difference === 0).length,
    n: compared.length,
  };
  return { ...record, interval: winRate(record) };
}

/** What the app raises for such a change: the signals that fell while the reward rose. */
export function alarmsBetween(before: Evaluation, after: Evaluation) {
  return hackingAlarms(measuresOf(before), measuresOf(after), {
    before: before.diversity,
    after: after.diversity,
  });
}

function measuresOf({ reward, deformed, blood, alignment }: Evaluation): ImageMeasures[] {
  return reward.map((score, i) => ({
    reward: score,
    measures: {
      deformed: Number(!deformed[i]),
      blood: Number(!blood[i]),
      alignment: alignment[i]!,
    },
  }));
}
