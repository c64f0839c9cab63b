/**
 * @file What a program sees in images: the defects it declares, the prompt's attributes, and how
 * different images are.
 */
import type { ImageMeasures } from '@/lib/judges/alarms';
import { type DeclaredJudge, defectsOf, measuresAlignment } from '@/lib/judges/judging';
import type { Verdict } from '@/lib/samples';
import type { Proportion } from '@/lib/statistics/proportion';
import type { RgbImage } from '@/trainer/diffusion/images/png';

export interface JudgedImage {
  prompt: string;
  image: RgbImage;
}

export interface Reading {
  verdict: Verdict;
  /** A point in the judge's perceptual space. */
  features: Float32Array;
}

/** A judge of one pipeline's images. */
export interface Judge {
  name: string;
  /** What its verdicts hold: each of these defects and, where it knows attributes, `alignment`. */
  declared: DeclaredJudge;
  read(images: readonly JudgedImage[]): Promise<Reading[]>;
  /** Mean perceptual distance of all pairs; null for fewer than two. */
  diversity(features: readonly Float32Array[]): number | null;
  /**
   * Whether its word decides which of two images, and so which of two policies, is better. One that
   * was taken over from elsewhere only counts: how far it can be believed is to be seen first.
   */
  comparesImages: boolean;
}

/** How many defects a verdict names. */
function found({ defects }: Verdict): number {
  return Object.values(defects).filter((defect) => defect.found).length;
}

/**
 * Which of two images of one prompt a judge prefers: fewer defects, then closer to the prompt.
 * Positive: the first.
 */
export function compareVerdicts(first: Verdict, second: Verdict): number {
  return found(second) - found(first) || (first.alignment ?? 0) - (second.alignment ?? 0);
}

/** The verdict of a judge, with the flags that what it found counts as. */
export function verdictOf(
  { name, declared }: Pick<Judge, 'name' | 'declared'>,
  seen: Omit<Verdict, 'judge' | 'flags'>,
): Verdict {
  const counted = defectsOf(declared).flatMap(({ id, countsAs }) =>
    countsAs && seen.defects[id]?.found ? [countsAs] : [],
  );
  return { judge: name, ...seen, flags: [...new Set(counted)] };
}

/** Images with each declared defect, out of those that were read. */
export function defectRates(
  { declared }: Pick<Judge, 'declared'>,
  verdicts: readonly Verdict[],
): Record<string, Proportion> {
  return Object.fromEntries(
    defectsOf(declared).map(({ id }) => [
      id,
      { count: verdicts.filter(({ defects }) => defects[id]?.found).length, n: verdicts.length },
    ]),
  );
}

/** Mean alignment; null where the judge does not measure it, or nothing was read. */
export function meanAlignment(
  { declared }: Pick<Judge, 'declared'>,
  verdicts: readonly Verdict[],
): number | null {
  if (verdicts.length === 0 || !measuresAlignment(declared)) return null;
  return verdicts.reduce((sum, { alignment = 0 }) => sum + alignment, 0) / verdicts.length;
}

/**
 * What is watched for alarms in one image: what the judge declares, turned so that more is better.
 */
export function measuresOf(
  { declared }: Pick<Judge, 'declared'>,
  { defects, alignment = 0 }: Verdict,
): ImageMeasures['measures'] {
  const sound = defectsOf(declared).map(({ id }) => [id, Number(!defects[id]?.found)]);
  return {
    ...Object.fromEntries(sound),
    ...(measuresAlignment(declared) && { alignment }),
  };
}
