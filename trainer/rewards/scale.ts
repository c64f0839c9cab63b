/**
 * @file On which scale a reward's scores lie. What is weighed against a reward, above all a KL
 * penalty, has to be on the same: DRaFT+'s coefficients of 0.1 to 1 belong to logits of about 20
 * (NeMo-Aligner's e^logitScale · cosine).
 */

/**
 * `cosine`: a few tenths. `unit`: of order 1, as ImageReward and most formulas. `logit`: of order
 * 10 and more.
 */
export type ScoreScale = 'cosine' | 'unit' | 'logit';

/** Below the first a score is a cosine, from the second on a logit. */
const boundaries = { unit: 0.5, logit: 12 };

/** Usual KL coefficients at the guidance below, [low, high]. */
const usualKl: Record<ScoreScale, readonly [number, number]> = {
  logit: [0.1, 1],
  unit: [0.005, 0.05],
  cosine: [0.001, 0.01],
};

/**
 * NeMo-Aligner's. A guided prediction moves by its square: half of it, and the same weights weigh
 * four times less.
 */
const usualGuidance = 7.5;

/**
 * How far from the usual a coefficient may be: pipelines differ, but taking a cosine for a logit is
 * a hundredfold.
 */
const tolerance = 30;

/** The scale of scores by their mean magnitude. */
export function scaleOf(scores: ArrayLike<number>): ScoreScale {
  const values = Array.from(scores);
  const size = values.reduce((sum, value) => sum + Math.abs(value), 0) / Math.max(1, values.length);
  if (size >= boundaries.logit) return 'logit';
  return size >= boundaries.unit ? 'unit' : 'cosine';
}

/**
 * A sentence when a KL coefficient belongs to another scale than the scores'; undefined when it
 * fits, or is 0.
 */
export function klWarning(
  coefficient: number,
  scores: ArrayLike<number>,
  guidance: number,
): string | undefined {
  const scale = scaleOf(scores);
  const factor = (usualGuidance / guidance) ** 2;
  const [low, high] = usualKl[scale].map((bound) => Number((bound * factor).toPrecision(1))) as [
    number,
    number,
  ];
  const fits = coefficient >= low / tolerance && coefficient <= high * tolerance;
  if (coefficient === 0 || fits) return undefined;
  const effect = coefficient > high ? 'holds the policy where it is' : 'holds nothing';
  return `A KL coefficient of ${coefficient} ${effect} beside scores of ${scale} size at guidance ${guidance}: ${low} to ${high} is usual there.`;
}
