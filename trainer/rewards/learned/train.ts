/**
 * @file Learning a reward from what people said: features of every image once, one convex fit with
 * every fold held out, and an honest report. Scores come out as logits: P(a ≻ b) = σ(s_a − s_b),
 * stretched so that held-out predictions are calibrated.
 *
 * How unsure a score is follows from the same folds, by the jackknife that leaves out groups: with
 * w_k fitted without fold k of K and w̄ their mean, the variance of wᵀz is
 * (K−1)/K·Σ ((w_k − w̄)ᵀz)² (Efron and Stein, 1981; Kott, 2001). It counts from the mean of all
 * images, of which it is 0.
 */

import { fewDecided, type LearnedSource, labelsProblem, type RewardReport } from '@/lib/rewards';
import { type Proportion, wilsonInterval } from '@/lib/statistics/proportion';
import type { Engine } from '@/trainer/runtime/engine';
import { type Evidence, fitLogistic } from './fit';
import type { Head } from './head';

/** What people said of images, in a fixed order. Images are indices into the features. */
export interface Statement {
  /** The image preferred, or the one judged by itself. */
  first: number;
  /** The image it was compared with; null where an image was judged by itself. */
  second: number | null;
  /** 1: the first (or good); 0: the second (or bad); between: so many of its people. */
  label: number;
  /** 1 / examples of the prompt, so that a prompt asked often does not outvote the others. */
  weight: number;
  /** Statements of one group share images, and are held out together. */
  group: string;
}

export interface RewardData {
  source: LearnedSource;
  statements: readonly Statement[];
  annotators: number;
  until: number;
  /** How often two people said the same of a pair. */
  ceiling: Proportion;
}

export interface LearnedReward {
  head: Omit<Head, 'pipelineHash'>;
  report: RewardReport;
}

const folds = 5;
/** λ of the fit: strong enough for fifty picks, and no hindrance to hundreds. */
const ridge = 1;
const calibrationBins = 10;
const leastInBin = 10;

/**
 * @param features of every image, [width] each @throws RangeError where `labelsProblem` finds one
 */
export async function trainReward(
  engine: Engine,
  features: readonly Float32Array[],
  data: RewardData,
): Promise<LearnedReward> {
  const problem = labelsProblem(
    data.source,
    data.statements.map(({ label }) => label),
  );
  if (problem) throw new RangeError(problem);
  const { mean, deviation } = momentsOf(features);
  const standardized = features.map((row) =>
    row.map((value, i) => (value - mean[i]!) / deviation[i]!),
  );
  const foldOf = foldsOf(data.statements);
  const evidence: Evidence[] = data.statements.map(({ first, second, label, weight, group }) => {
    const own = standardized[first]! as Float32Array;
    const other = second === null ? undefined : standardized[second];
    const x = other ? own.map((value, i) => value - other[i]!) : own;
    return { x, label, weight, fold: foldOf(group) };
  });
  const intercept = data.source === 'flags';
  const found = await fitLogistic(engine, evidence, { folds, ridge, intercept });
  const stretch = calibrate(found.heldOut, evidence);
  const margins = found.heldOut.map((margin) => margin * stretch);
  return {
    head: {
      source: data.source,
      mean,
      deviation,
      weights: found.weights.map((weight) => weight * stretch),
      intercept: found.intercept * stretch,
      spread: spreadOf(found.without).map((row) => row.map((value) => value * stretch)),
    },
    report: reportOf(data, margins),
  };
}

/** √((K−1)/K)·(w_k − w̄) of each fold. */
function spreadOf(without: readonly Float32Array[]): Float32Array[] {
  const count = without.length;
  const factor = Math.sqrt((count - 1) / count);
  return without.map((own) =>
    own.map((value, i) => {
      const mean = without.reduce((sum, other) => sum + other[i]!, 0) / count;
      return factor * (value - mean);
    }),
  );
}

function momentsOf(features: readonly Float32Array[]) {
  const width = features[0]?.length ?? 0;
  const mean = new Float32Array(width);
  const deviation = new Float32Array(width);
  for (let i = 0; i < width; i++) {
    const values = features.map((row) => row[i]!);
    const average = values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = values.reduce((sum, value) => sum + (value - average) ** 2, 0);
    mean[i] = average;
    // A feature that never varies says nothing, and must not be divided by its rounding errors.
    deviation[i] = Math.max(Math.sqrt(squares / values.length), 1e-4);
  }
  return { mean, deviation };
}

/** Groups go to folds in turn, in the order in which they come: a function of the data alone. */
function foldsOf(statements: readonly Statement[]): (group: string) => number {
  const groups = [...new Set(statements.map(({ group }) => group))];
  const known = new Map(groups.map((group, i) => [group, i % folds]));
  return (group) => known.get(group) as number;
}

/**
 * The factor on all margins at which held-out answers are likeliest; found by bisection of a
 * monotone derivative.
 */
function calibrate(margins: Float32Array, evidence: readonly Evidence[]): number {
  const slope = (factor: number) =>
    evidence.reduce((sum, { label, weight }, i) => {
      const margin = margins[i]!;
      return sum + weight * margin * (1 / (1 + Math.exp(-factor * margin)) - label);
    }, 0);
  // Predictions no better than chance would be stretched to nothing, or turned round: leave a
  // little.
  let [low, high] = [0.05, 20];
  for (let i = 0; i < 60; i++) {
    const middle = Math.sqrt(low * high);
    if (slope(middle) < 0) low = middle;
    else high = middle;
  }
  return Math.sqrt(low * high);
}

function reportOf(data: RewardData, margins: Float32Array): RewardReport {
  const { statements, ceiling, annotators, until, source } = data;
  const decided = statements
    .map(({ label }, i) => ({ label, margin: margins[i]! }))
    .filter(({ label }) => label !== 0.5);
  const heldOut = {
    count: decided.filter(({ label, margin }) => margin > 0 === label > 0.5).length,
    n: decided.length,
  };
  return {
    examples: statements.length,
    annotators,
    ties: statements.length - decided.length,
    until,
    heldOut,
    ceiling,
    calibration: calibrationOf(decided, source),
    warnings: warningsFor(heldOut, annotators, ceiling, source),
  };
}

/**
 * Equal numbers of answers a bin, no fewer than ten. A comparison has no first side: it is read
 * from the side that is predicted to win.
 */
function calibrationOf(
  decided: readonly { label: number; margin: number }[],
  source: LearnedSource,
): RewardReport['calibration'] {
  const predictions = decided
    .map(({ label, margin }) => {
      const turned = source === 'picks' && margin < 0;
      const probability = 1 / (1 + Math.exp(turned ? margin : -margin));
      return { probability, came: label > 0.5 !== turned };
    })
    .sort((a, b) => a.probability - b.probability);
  const size = Math.max(leastInBin, Math.ceil(predictions.length / calibrationBins));
  return Array.from({ length: Math.ceil(predictions.length / size) }, (_, bin) => {
    const own = predictions.slice(bin * size, (bin + 1) * size);
    return {
      predicted: own.reduce((sum, { probability }) => sum + probability, 0) / own.length,
      observed: { count: own.filter(({ came }) => came).length, n: own.length },
    };
  });
}

function warningsFor(
  heldOut: Proportion,
  annotators: number,
  ceiling: Proportion,
  source: LearnedSource,
): string[] {
  const warnings: string[] = [];
  const { n: decided } = heldOut;
  const interval = wilsonInterval(heldOut);
  if (source === 'picks' && interval && interval.low <= 0.5) {
    warnings.push(
      'On held-out answers it cannot be told from tossing a coin. Label more before anything follows it.',
    );
  }
  if (decided < fewDecided) {
    warnings.push(
      `Learned from ${decided} ${source === 'picks' ? 'decided answers' : 'judged images'}, fewer than ${fewDecided}: expect it to be wrong about what it has seldom seen.`,
    );
  }
  if (annotators === 1) {
    warnings.push('One person gave all answers: it learns that person’s taste.');
  }
  if (source === 'picks' && ceiling.n === 0) {
    warnings.push(
      'No pair was judged by two people, so nobody knows how far people agree. Set labeling.annotatorsPerPair to 2 for a while.',
    );
  }
  return warnings;
}
