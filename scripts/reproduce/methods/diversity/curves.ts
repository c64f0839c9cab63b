/**
 * @file What the figures of diversity compare: settings, their training curves, and differences at
 * equal reward.
 */
import type { Effort } from '../desk';
import { type KeptImages, rewardOf } from '../figure';
import { type CurvePoint, firstAt } from '../reports/curve';
import type { Sizes } from '../sizes';
import { type Evaluation, meanOf } from '../training/evaluation';
import type { TrainingRun } from '../training/follow';

/** One run: a setting with a seed. */
export interface DiversityUnit {
  setting: string;
  seed: number;
  effort: Effort;
  run: TrainingRun;
  images: KeptImages;
}

export interface DiversityResult {
  base: { effort: Effort; evaluation: Evaluation; images: KeptImages };
  /** The learned rewards' making, and the held-out picks that this figure's predicted right. */
  learned: { effort: Effort; heldOut: { count: number; n: number } };
  units: DiversityUnit[];
}

/** What is compared, and its KL coefficient; null for what has none. */
export interface Setting {
  name: string;
  coefficient: number | null;
}

const free: Setting = { name: 'DRaFT', coefficient: 0 };
const policyGradient: Setting = { name: 'DDPO', coefficient: null };
const held = (coefficient: number): Setting => ({ name: `DRaFT+ KL ${coefficient}`, coefficient });

export const settingsOf = ({ diversity }: Sizes): Setting[] => [
  free,
  ...diversity.klCoefficients.map(held),
  policyGradient,
];

/**
 * DRaFT, and the two coefficients under which the reward rises most: under the others DRaFT has
 * lost nothing yet.
 */
export const confirmedSettings = ({ diversity }: Sizes): Setting[] => [
  free,
  ...diversity.klCoefficients.slice(0, 2).map(held),
];

/** Reads something off an evaluation. */
export type Read = (evaluation: Evaluation) => number;

export const diversityOf: Read = ({ diversity }) => diversity;
export const alignmentOf: Read = ({ alignment }) => meanOf(alignment);

/** Evaluations of a run, without the base. */
export const reachedBy = ({ run }: DiversityUnit): Evaluation[] =>
  run.reached.map(({ evaluation }) => evaluation);

export const endOf = (unit: DiversityUnit): Evaluation => reachedBy(unit).at(-1) as Evaluation;

/** Evaluations of a run from the base on. */
export const along = (unit: DiversityUnit, base: Evaluation): Evaluation[] => [
  base,
  ...reachedBy(unit),
];

export const unitsOf = ({ units }: DiversityResult, { name }: Setting): DiversityUnit[] =>
  units.filter(({ setting }) => setting === name);

/** Something measured over reward. */
const curveOf = (unit: DiversityUnit, base: Evaluation, read: Read): CurvePoint[] =>
  along(unit, base).map((evaluation) => ({ x: rewardOf(evaluation), y: read(evaluation) }));

/**
 * What a run has over DRaFT of the same seed at each of its evaluations, where DRaFT first has the
 * reward that the run had there. From the first evaluation after the base to the last; null where
 * DRaFT never got so far.
 */
export function gainsAtEqualReward(
  own: readonly CurvePoint[],
  freeCurve: readonly CurvePoint[],
): (number | null)[] {
  return own.slice(1).map(({ x, y }) => {
    const there = firstAt(freeCurve, x);
    return there === null ? null : y - there;
  });
}

/** Of each run of a setting, its gains evaluation by evaluation. */
export function gainsOf(
  result: DiversityResult,
  setting: Setting,
  read: Read,
): (number | null)[][] {
  const base = result.base.evaluation;
  const freeRuns = unitsOf(result, free);
  return unitsOf(result, setting).map((unit) => {
    const other = freeRuns.find(({ seed }) => seed === unit.seed) as DiversityUnit;
    return gainsAtEqualReward(curveOf(unit, base, read), curveOf(other, base, read));
  });
}

/**
 * Mean of each run over its evaluations, as far as DRaFT got; null of a run that DRaFT never met.
 */
export function alongTheWay(gains: readonly (readonly (number | null)[])[]): (number | null)[] {
  return gains.map((ofRun) => {
    const known = ofRun.filter(isKnown);
    return known.length > 0 ? meanOf(known) : null;
  });
}

export const isKnown = (gain: number | null): gain is number => gain !== null;
