/**
 * @file How likely an annotator's answers are wrong, and so a label that several of them gave.
 *
 * Each annotator i decides for the worse of two images with a probability e_i, whichever the images (Dawid and Skene, 1979,
 * with one coin a person). Of a pair that several have decided, the log-odds that its winner is the better one are
 *
 *   Σ_for ln((1−e_i)/e_i) − Σ_against ln((1−e_j)/e_j)
 *
 * e_i is what gold pairs show, whose truth is known, and other pairs, where that posterior stands in for the truth; with a
 * Beta prior worth `priorAnswers` answers. Both are found in turns (expectation maximisation).
 */
import type { JudgedPair } from './annotators';

/** How many answers with a known truth the prior counts as. */
const priorAnswers = 10;

/** Enough turns that estimates of any number of people stand still to 1e-6 in practice. */
const turns = 100;

/** The most a label may be doubted: it still says which image won. */
export const mostDoubt = 0.499;

/** Annotators' ids, by which image of a pair they decided for; who decided for neither is in neither list. */
export interface Votes {
  for: readonly string[];
  against: readonly string[];
}

/** The probability of deciding wrongly, by annotator's id. */
export type ErrorRates = (annotatorId: string) => number;

/** What an answer weighs in log-odds. Somebody worse than chance counts as chance: no answer is turned round. */
function weightOf(errorRate: number): number {
  const rate = Math.min(errorRate, 0.5);
  return Math.log((1 - rate) / rate);
}

/** The probability that a label is wrong, in [0, 0.5). */
export function labelError(votes: Votes, errorRates: ErrorRates): number {
  return Math.min(1 / (1 + Math.exp(logOdds(votes, errorRates))), mostDoubt);
}

function logOdds(votes: Votes, errorRates: ErrorRates): number {
  const sum = (ids: readonly string[]) =>
    ids.reduce((total, id) => total + weightOf(errorRates(id)), 0);
  return sum(votes.for) - sum(votes.against);
}

/**
 * Each annotator's error rate, from everybody's standing answers. Ties and “both bad” are left aside, except on gold,
 * where they are wrong. @param prior the rate of somebody of whom nothing is known, in (0, 0.5)
 */
export function annotatorErrorRates(judged: readonly JudgedPair[], prior: number): ErrorRates {
  const gold = judged.filter((one) => one.gold !== null);
  const contested = contestedPairs(judged);
  const ids = [...new Set(judged.map(({ annotatorId }) => annotatorId))];
  let rates = new Map(ids.map((id) => [id, prior]));
  const rateOf: ErrorRates = (id) => rates.get(id) ?? prior;
  for (let turn = 0; turn < turns; turn++) {
    const seen = new Map(ids.map((id) => [id, { errors: priorAnswers * prior, n: priorAnswers }]));
    const count = (id: string, errors: number) => {
      const one = seen.get(id);
      if (!one) return;
      one.errors += errors;
      one.n += 1;
    };
    for (const one of gold) count(one.annotatorId, Number(one.verdict !== one.gold));
    for (const votes of contested) {
      const wrong = 1 / (1 + Math.exp(logOdds(votes, rateOf)));
      for (const id of votes.for) count(id, wrong);
      for (const id of votes.against) count(id, 1 - wrong);
    }
    rates = new Map([...seen].map(([id, { errors, n }]) => [id, errors / n]));
  }
  return rateOf;
}

/** Pairs on which at least two people decided; one answer alone says nothing about who gave it. */
function contestedPairs(judged: readonly JudgedPair[]): Votes[] {
  const pairs = new Map<string, JudgedPair[]>();
  for (const one of judged) {
    const decided = one.answer === 'left' || one.answer === 'right';
    if (!decided || one.gold !== null) continue;
    const known = pairs.get(one.pairId);
    if (known) known.push(one);
    else pairs.set(one.pairId, [one]);
  }
  return [...pairs.values()]
    .filter((answers) => answers.length > 1)
    .map((answers) => {
      const { verdict } = answers[0] as JudgedPair;
      const idsOf = (agrees: boolean) =>
        answers
          .filter((one) => (one.verdict === verdict) === agrees)
          .map(({ annotatorId }) => annotatorId);
      return { for: idsOf(true), against: idsOf(false) };
    });
}
