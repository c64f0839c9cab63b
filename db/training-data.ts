import { asc, eq } from 'drizzle-orm';
import { alias } from 'drizzle-orm/sqlite-core';
import type { ArchiveData } from '@/lib/archive';
import { db } from './client';
import { labelDoubt } from './label-smoothing';
import { groups, pairs, samples, trainingLabels, trainingPairs } from './schema/labels';
import type { rounds } from './schema/rounds';
import {
  type FrozenPair,
  pairsOfAnswers,
  pairsOfTaggings,
  standingAnswersIn,
  standingTaggingsIn,
} from './standing-answers';
import type { Transaction } from './transaction';

type Round = typeof rounds.$inferSelect;
type Sample = typeof samples.$inferSelect;

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

function answersToPairs(tx: Transaction, round: Round, until: number) {
  const standing = standingAnswersIn(tx, eq(pairs.roundId, round.id));
  const settled = standing.filter((row) => row.preference.createdAt <= until);
  const counted = settled.filter((row) => row.pausedAt === null);
  const paired = pairsOfAnswers(counted, round.config.labeling.agreementWeighting);
  return { standing, settled, counted, ...paired };
}

function taggingsToPairs(tx: Transaction, round: Round, until: number) {
  const standing = standingTaggingsIn(tx, eq(groups.roundId, round.id));
  const settled = standing.filter((row) => row.tagging.createdAt <= until);
  const counted = settled.filter((row) => row.pausedAt === null);
  const paired = pairsOfTaggings(tx, counted, round.config.labeling.agreementWeighting);
  return { standing, settled, counted, ...paired };
}

/** Stores what a round trains on, in this order, with the doubt in each label. @param until answers that count, ms */
export function storeTrainingPairs(
  tx: Transaction,
  round: Round,
  frozen: readonly FrozenPair[],
  until: number,
): void {
  const doubt = labelDoubt(tx, round, until);
  frozen.forEach(({ votes, ...pair }, ordinal) => {
    tx.insert(trainingPairs)
      .values({ roundId: round.id, ordinal, ...pair, smoothing: doubt(votes) })
      .run();
  });
}

/**
 * Within the decision that ends labeling: turns a round's settled answers into training pairs in a
 * fixed order and stores them, so that a trainer killed and restarted trains on exactly the same.
 */
export function freezeTrainingPairs(tx: Transaction, round: Round, now: number): TrainingData {
  const until = now - round.config.labeling.undoWindowSeconds * 1000;
  const read = round.config.sampling.pairSource === 'pairs' ? answersToPairs : taggingsToPairs;
  const { standing, settled, counted, used, frozen } = read(tx, round, until);
  storeTrainingPairs(tx, round, frozen, until);
  return {
    answers: standing.length,
    used,
    tooYoung: standing.length - settled.length,
    heldBack: settled.length - counted.length,
    undecided: counted.length - used,
    trainingPairs: frozen.length,
    until,
  };
}

/** An image to train on, and whether people called it good. */
export interface TrainingLabel {
  ordinal: number;
  sample: Sample;
  good: boolean;
}

/** What a round of a method without pairs trains on, in its fixed order. */
export async function trainingLabelsOf(roundId: string): Promise<TrainingLabel[]> {
  return db()
    .select({ ordinal: trainingLabels.ordinal, sample: samples, good: trainingLabels.good })
    .from(trainingLabels)
    .innerJoin(samples, eq(samples.id, trainingLabels.sampleId))
    .where(eq(trainingLabels.roundId, roundId))
    .orderBy(asc(trainingLabels.ordinal))
    .all();
}

/** What a round trains on, in its fixed order; empty until its labeling has ended. */
export async function trainingPairsOf(roundId: string): Promise<TrainingPair[]> {
  const winner = alias(samples, 'winner');
  const loser = alias(samples, 'loser');
  const rows = db()
    .select({ pair: trainingPairs, winner, loser })
    .from(trainingPairs)
    .innerJoin(winner, eq(winner.id, trainingPairs.winnerSampleId))
    .innerJoin(loser, eq(loser.id, trainingPairs.loserSampleId))
    .where(eq(trainingPairs.roundId, roundId))
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
