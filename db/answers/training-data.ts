import { and, asc, eq, isNull } from 'drizzle-orm';
import type { RunConfig } from '@/lib/settings/run-config';
import type { ArchiveData } from '@/lib/training/archive';
import type { Weighting } from '@/lib/training/pairing';
import { db } from '../client';
import { alias } from '../dialect';
import { type Sample, samples, trainingLabels, trainingPairs } from '../schema/labels';
import { type Round, rounds } from '../schema/rounds';
import { read } from '../transaction';
import { type Mark, markIn } from './frozen-mark';
import { labelDoubt } from './label-smoothing';
import {
  type FrozenPair,
  membersOf,
  type Paired,
  pairsOfAnswers,
  pairsOfTaggings,
  type StandingAnswer,
  type StandingTagging,
  standingAnswersOf,
  standingTaggingsOf,
} from './standing-answers';

/** Where a round's answers went; shown on its page and kept in its manifest. */
export interface TrainingData {
  /** Standing answers to training pairs (or taggings of groups). */
  answers: number;
  /** Answers that entered a training pair. */
  used: number;
  /** Not old enough to be beyond undoing when labeling ended. */
  tooYoung: number;
  /** By annotators who are paused. */
  heldBack: number;
  /** Ties, both bad, and pairs whose annotators cancel each other out. */
  undecided: number;
  trainingPairs: number;
  /** Answers up to this instant count, ms; each round of an archive less its own undo window. */
  until: number;
  /** Only of methods that learn from what is there already. */
  archive?: ArchiveData;
}

export type PairRow = Omit<typeof trainingPairs.$inferInsert, 'roundId' | 'ordinal'>;
export type LabelRow = Omit<typeof trainingLabels.$inferInsert, 'roundId' | 'ordinal'>;

/** What a round is to train on, read without a lock. */
export interface Prepared {
  pairs: readonly PairRow[];
  labels: readonly LabelRow[];
  data: TrainingData;
  /** Of the answers, before the first was read. */
  mark: Mark;
  markedBy: Parameters<typeof markIn>[1];
}

/** Two samples to train on, the better one first, with a weight in (0, 1]. */
export interface TrainingPair {
  ordinal: number;
  pairId: string | null;
  groupId: string | null;
  prompt: string;
  winner: Sample;
  loser: Sample;
  weight: number;
  /** The probability that the label is wrong, in [0, 0.5). */
  smoothing: number;
}

/** Training pairs with the doubt in each label. @param until answers that count, ms */
export async function doubted(
  frozen: readonly FrozenPair[],
  config: Pick<RunConfig, 'labeling'>,
  until: number,
): Promise<PairRow[]> {
  const doubt = await labelDoubt(config, until);
  return frozen.map(({ votes, ...pair }) => ({ ...pair, smoothing: doubt(votes) }));
}

/**
 * What a round's settled answers make to train on, in a fixed order. @param now when labeling ends,
 * ms
 */
export async function prepareTrainingPairs(round: Round, now: number): Promise<Prepared> {
  const { sampling, labeling } = round.config;
  const until = now - labeling.undoWindowSeconds * 1000;
  const markedBy = { until, since: Date.now(), withFlags: false };
  const mark = await read(markIn(db(), markedBy));
  const weighting = labeling.agreementWeighting;
  const answeredIn = { rounds: [round.id], imports: [] };
  const given =
    sampling.pairSource === 'pairs'
      ? await standingAnswersOf(answeredIn)
      : await standingTaggingsOf(answeredIn);
  const settled = given.filter((row) => givenAt(row) <= until);
  const counted = settled.filter(({ pausedAt }) => pausedAt === null);
  const { frozen, used } = await pairsOf(counted, weighting);
  return {
    pairs: await doubted(frozen, round.config, until),
    labels: [],
    data: {
      answers: given.length,
      used,
      tooYoung: given.length - settled.length,
      heldBack: settled.length - counted.length,
      undecided: counted.length - used,
      trainingPairs: frozen.length,
      until,
    },
    mark,
    markedBy,
  };
}

function givenAt(row: StandingAnswer | StandingTagging): number {
  return 'tagging' in row ? row.tagging.createdAt : row.preference.createdAt;
}

/** Of one round, all are answers or all are taggings. */
async function pairsOf(
  counted: readonly (StandingAnswer | StandingTagging)[],
  weighting: Weighting,
): Promise<Paired> {
  const taggings = counted.filter((row) => 'tagging' in row);
  if (taggings.length > 0) return pairsOfTaggings(taggings, await membersOf(taggings), weighting);
  return pairsOfAnswers(
    counted.filter((row) => 'preference' in row),
    weighting,
  );
}

/** An image to train on, and whether people called it good. */
export interface TrainingLabel {
  ordinal: number;
  sample: Sample;
  good: boolean;
}

/**
 * What a round of a method without pairs trains on, in its fixed order; empty until all of it is
 * frozen.
 */
export async function trainingLabelsOf(roundId: string): Promise<TrainingLabel[]> {
  return db()
    .select({ ordinal: trainingLabels.ordinal, sample: samples, good: trainingLabels.good })
    .from(trainingLabels)
    .innerJoin(samples, eq(samples.id, trainingLabels.sampleId))
    .innerJoin(rounds, eq(rounds.id, trainingLabels.roundId))
    .where(and(eq(trainingLabels.roundId, roundId), isNull(rounds.freezing)))
    .orderBy(asc(trainingLabels.ordinal))
    .all();
}

/**
 * What a round trains on, in its fixed order; empty until its labeling has ended and all of it is
 * frozen.
 */
export async function trainingPairsOf(roundId: string): Promise<TrainingPair[]> {
  const winner = alias(samples, 'winner');
  const loser = alias(samples, 'loser');
  const rows = db()
    .select({ pair: trainingPairs, winner, loser })
    .from(trainingPairs)
    .innerJoin(winner, eq(winner.id, trainingPairs.winnerSampleId))
    .innerJoin(loser, eq(loser.id, trainingPairs.loserSampleId))
    .innerJoin(rounds, eq(rounds.id, trainingPairs.roundId))
    .where(and(eq(trainingPairs.roundId, roundId), isNull(rounds.freezing)))
    .orderBy(asc(trainingPairs.ordinal))
    .all();
  return rows.map(({ pair, winner, loser }) => ({
    ordinal: pair.ordinal,
    pairId: pair.pairId,
    groupId: pair.groupId,
    prompt: winner.prompt,
    winner,
    loser,
    weight: pair.weight,
    smoothing: pair.smoothing,
  }));
}
