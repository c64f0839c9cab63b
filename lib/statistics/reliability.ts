/**
 * @file How likely an annotator's answers are wrong, and so a label that several of them gave.
 *
 * Each annotator i decides for the worse of two images with a probability e_i, whichever the images
 * (Dawid and Skene, 1979, with one coin a person). Of a pair that several have decided, the
 * log-odds that its winner is the better one are
 *
 *   Σ_for ln((1−e_i)/e_i) − Σ_against ln((1−e_j)/e_j)
 *
 * e_i is what gold pairs show, whose truth is known, and other pairs, where that posterior stands
 * in for the truth; with a Beta prior worth `priorAnswers` answers. Both are found in turns
 * (expectation maximisation).
 */
import type { Answer } from '../answers';

/** One standing answer, as far as reliability needs it. */
export interface KnownAnswer {
  pairId: string;
  annotatorId: string;
  answer: Answer;
  /** What the answer says whatever the side order: a sample's id, 'tie' or 'both-bad'. */
  verdict: string;
  /** The verdict known to be right; null unless the pair is gold. */
  gold: string | null;
}

/** How many answers with a known truth the prior counts as. */
const priorAnswers = 10;

/** Enough turns that estimates of any number of people stand still to 1e-6 in practice. */
const turns = 100;

/** The most a label may be doubted: it still says which image won. */
export const mostDoubt = 0.499;

/**
 * Annotators' ids, by which image of a pair they decided for; who decided for neither is in neither
 * list.
 */
export interface Votes {
  for: readonly string[];
  against: readonly string[];
}

/** The probability of deciding wrongly, by annotator's id. */
export type ErrorRates = (annotatorId: string) => number;

/**
 * What an answer weighs in log-odds. Somebody worse than chance counts as chance: no answer is
 * turned round.
 */
function weightOf(errorRate: number): number {
  const rate = Math.min(errorRate, 0.5);
  return Math.log((1 - rate) / rate);
}

/** The probability that a label is wrong, in [0, 0.5). */
export function labelError(votes: Votes, errorRates: ErrorRates): number {
  const sum = (ids: readonly string[]) =>
    ids.reduce((total, id) => total + weightOf(errorRates(id)), 0);
  return Math.min(1 / (1 + Math.exp(sum(votes.for) - sum(votes.against))), mostDoubt);
}

/**
 * Each annotator's error rate, from everybody's standing answers. Ties and “both bad” are left
 * aside, except on gold, where they are wrong. @param prior the rate of somebody of whom nothing is
 * known, in (0, 0.5)
 */
export function annotatorErrorRates(judged: readonly KnownAnswer[], prior: number): ErrorRates {
  const numbers = new Map<string, number>();
  for (const { annotatorId } of judged) {
    if (!numbers.has(annotatorId)) numbers.set(annotatorId, numbers.size);
  }
  const numberOf = (id: string) => numbers.get(id) as number;
  const contested = contestedPairs(judged, numberOf);
  // What stays the same in every turn: the prior, gold pairs, and how many answers there are.
  const knownErrors = new Float64Array(numbers.size).fill(priorAnswers * prior);
  const answers = new Float64Array(numbers.size).fill(priorAnswers);
  for (const { annotatorId, verdict, gold } of judged) {
    if (gold === null) continue;
    const person = numberOf(annotatorId);
    knownErrors[person]! += Number(verdict !== gold);
    answers[person]! += 1;
  }
  for (const person of contested.people) answers[person]! += 1;
  const rates = new Float64Array(numbers.size).fill(prior);
  for (let turn = 0; turn < turns; turn++) {
    const errors = expectedErrors(contested, rates, knownErrors);
    for (let person = 0; person < rates.length; person++) {
      rates[person] = errors[person]! / answers[person]!;
    }
  }
  return (id) => {
    const person = numbers.get(id);
    return person === undefined ? prior : rates[person]!;
  };
}

/**
 * How many answers of each person are wrong, where the posterior of a pair's label stands in for
 * the truth.
 */
function expectedErrors(
  { people, sides, ends }: Contested,
  rates: Float64Array,
  known: Float64Array,
): Float64Array {
  const weights = rates.map(weightOf);
  const errors = known.slice();
  let begin = 0;
  for (const end of ends) {
    let [inFavour, against] = [0, 0];
    for (let i = begin; i < end; i++) {
      if (sides[i]) inFavour += weights[people[i]!]!;
      else against += weights[people[i]!]!;
    }
    const wrong = 1 / (1 + Math.exp(inFavour - against));
    for (let i = begin; i < end; i++) errors[people[i]!]! += sides[i] ? wrong : 1 - wrong;
    begin = end;
  }
  return errors;
}

/**
 * Pairs on which at least two people decided (one answer alone says nothing about who gave it), one
 * after the other and flat, because they are gone through in every turn: numbers of people, whether
 * each decided as the first did, and where each pair ends.
 */
interface Contested {
  people: Int32Array;
  sides: Uint8Array;
  ends: Int32Array;
}

function contestedPairs(
  judged: readonly KnownAnswer[],
  numberOf: (annotatorId: string) => number,
): Contested {
  const pairs = new Map<string, KnownAnswer[]>();
  for (const one of judged) {
    const decided = one.answer === 'left' || one.answer === 'right';
    if (!decided || one.gold !== null) continue;
    const known = pairs.get(one.pairId);
    if (known) known.push(one);
    else pairs.set(one.pairId, [one]);
  }
  const [people, sides, ends]: [number[], number[], number[]] = [[], [], []];
  for (const answers of pairs.values()) {
    if (answers.length < 2) continue;
    for (const { annotatorId, verdict } of answers) {
      people.push(numberOf(annotatorId));
      sides.push(Number(verdict === answers[0]!.verdict));
    }
    ends.push(people.length);
  }
  return {
    people: Int32Array.from(people),
    sides: Uint8Array.from(sides),
    ends: Int32Array.from(ends),
  };
}
