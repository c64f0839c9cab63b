import type { Answer } from '../answers';
import { krippendorffAlpha, rawAgreement } from './agreement';
import { type MedianInterval, medianInterval } from './median';
import type { Proportion } from './proportion';
import { type Interval, wilsonInterval, z95 } from './proportion';

/** How often someone who decided for a side decided for the left one; ½ is unbiased. */
export interface SideBias {
  left: number;
  decided: number;
  interval: Interval | null;
  /** Whether ½ lies outside the interval. */
  biased: boolean;
}

export function sideBias(answers: readonly Answer[], z = z95): SideBias {
  const left = answers.filter((answer) => answer === 'left').length;
  const decided = left + answers.filter((answer) => answer === 'right').length;
  return sideBiasOf({ left, decided }, z);
}

/** The same, counted elsewhere. */
export function sideBiasOf(
  { left, decided }: { left: number; decided: number },
  z = z95,
): SideBias {
  const interval = wilsonInterval({ count: left, n: decided }, z);
  const biased = interval !== null && (interval.low > 0.5 || interval.high < 0.5);
  return { left, decided, interval, biased };
}

/** One standing answer, as far as annotators' figures need it. */
export interface JudgedPair {
  pairId: string;
  annotatorId: string;
  answer: Answer;
  /** What the answer says whatever the side order: a sample's id, 'tie' or 'both-bad'. */
  verdict: string;
  decisionMs: number;
  /** The verdict known to be right; null unless the pair is gold. */
  gold: string | null;
}

/** What one person's answers say about how they judge. Rates come as counts, to be shown with n. */
export interface AnnotatorFigures {
  answers: number;
  /** Time from seeing a pair to deciding. */
  decisionMs: MedianInterval | null;
  sideBias: SideBias;
  /** Of all comparisons with other people's answers to the same pairs, those that agree. */
  agreement: Proportion;
  /** Of the gold pairs judged, those judged right. */
  gold: Proportion;
  ties: Proportion;
  bothBad: Proportion;
}

/** Answers on which people can agree or not: gold is meant to leave no doubt, so agreeing on it says nothing. */
function byPair(judged: readonly JudgedPair[]): Map<string, JudgedPair[]> {
  const pairs = new Map<string, JudgedPair[]>();
  for (const one of judged.filter(({ gold }) => gold === null)) {
    const known = pairs.get(one.pairId);
    if (known) known.push(one);
    else pairs.set(one.pairId, [one]);
  }
  return pairs;
}

/** Each annotator's figures, from everybody's standing answers: what the counts of db/figures.ts have to come to. */
export function annotatorFigures(judged: readonly JudgedPair[]): Map<string, AnnotatorFigures> {
  const pairs = byPair(judged);
  const ids = new Set(judged.map((one) => one.annotatorId));
  return new Map([...ids].map((id) => [id, figuresOf(id, judged, pairs)]));
}

function figuresOf(
  annotatorId: string,
  judged: readonly JudgedPair[],
  pairs: ReadonlyMap<string, JudgedPair[]>,
): AnnotatorFigures {
  const own = judged.filter((one) => one.annotatorId === annotatorId);
  const n = own.length;
  const others = own.flatMap((one) =>
    (pairs.get(one.pairId) ?? [])
      .filter((other) => other.annotatorId !== annotatorId)
      .map((other) => other.verdict === one.verdict),
  );
  const gold = own.filter((one) => one.gold !== null);
  const share = (answer: Answer): Proportion => ({
    count: own.filter((one) => one.answer === answer).length,
    n,
  });
  return {
    answers: n,
    decisionMs: medianInterval(own.map((one) => one.decisionMs)),
    sideBias: sideBias(own.map((one) => one.answer)),
    agreement: { count: others.filter(Boolean).length, n: others.length },
    gold: { count: gold.filter((one) => one.verdict === one.gold).length, n: gold.length },
    ties: share('tie'),
    bothBad: share('both-bad'),
  };
}

/** How far people agree on the whole; alpha is null where nothing can be compared. The counts of db/figures.ts come to the same. */
export function overallAgreement(judged: readonly JudgedPair[]): {
  raw: Proportion;
  alpha: number | null;
} {
  const items = [...byPair(judged).values()].map((answers) => answers.map((one) => one.verdict));
  return { raw: rawAgreement(items), alpha: krippendorffAlpha(items) };
}
