/** @file What the counts of db/figures have to come to: the same figures, from all answers. */
import { asc, eq, isNull } from 'drizzle-orm';
import { db } from '@/db/client';
import { pairs, preferences } from '@/db/schema/labels';
import { type Answer, preferredSample } from '@/lib/answers';
import { type AnnotatorFigures, sideBiasOf } from '@/lib/statistics/annotators';
import type { Proportion } from '@/lib/statistics/proportion';
import { krippendorffAlpha, rawAgreement } from './agreement';
import { medianInterval } from './median';

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

/** Everybody's standing answers, in the order they came. */
export function judgedPairs(): JudgedPair[] {
  const rows = db()
    .select({
      pairId: preferences.pairId,
      annotatorId: preferences.annotatorId,
      answer: preferences.answer,
      leftSampleId: preferences.leftSampleId,
      rightSampleId: preferences.rightSampleId,
      decisionMs: preferences.decisionMs,
      gold: pairs.goldSampleId,
    })
    .from(preferences)
    .innerJoin(pairs, eq(pairs.id, preferences.pairId))
    .where(isNull(preferences.supersededAt))
    .orderBy(asc(preferences.createdAt), asc(preferences.id))
    .all();
  return rows.map((row) => ({ ...row, verdict: preferredSample(row.answer, row) ?? row.answer }));
}

/**
 * Answers on which people can agree or not: gold is meant to leave no doubt, so agreeing on it says
 * nothing.
 */
function byPair(judged: readonly JudgedPair[]): Map<string, JudgedPair[]> {
  const pairs = new Map<string, JudgedPair[]>();
  for (const one of judged.filter(({ gold }) => gold === null)) {
    const known = pairs.get(one.pairId);
    if (known) known.push(one);
    else pairs.set(one.pairId, [one]);
  }
  return pairs;
}

/** Each annotator's figures, from everybody's standing answers. */
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
    sideBias: sideBiasOf({
      left: share('left').count,
      decided: share('left').count + share('right').count,
    }),
    agreement: { count: others.filter(Boolean).length, n: others.length },
    gold: { count: gold.filter((one) => one.verdict === one.gold).length, n: gold.length },
    ties: share('tie'),
    bothBad: share('both-bad'),
  };
}

/** How far people agree on the whole; alpha is null where nothing can be compared. */
export function overallAgreement(judged: readonly JudgedPair[]): {
  raw: Proportion;
  alpha: number | null;
} {
  const items = [...byPair(judged).values()].map((answers) => answers.map((one) => one.verdict));
  return { raw: rawAgreement(items), alpha: krippendorffAlpha(items) };
}
