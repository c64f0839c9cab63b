import { and, asc, eq, isNull } from 'drizzle-orm';
import { alias } from 'drizzle-orm/sqlite-core';
import { preferredSample } from '@/lib/answers';
import { pairFromAnswers, pairsFromTags, votesFromTags, type WeightedPair } from '@/lib/pairing';
import type { Votes } from '@/lib/statistics/reliability';
import { db } from './client';
import { labelDoubt } from './label-smoothing';
import { groups, pairs, preferences, samples, taggings, trainingPairs } from './schema/labels';
import { user } from './schema/people';
import type { rounds } from './schema/rounds';
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
  /** Answers up to this instant count, ms. */
  until: number;
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

type FrozenPair = WeightedPair & { pairId: string | null; groupId: string | null; votes: Votes };

function groupBy<T>(rows: readonly T[], keyOf: (row: T) => string): Map<string, T[]> {
  const byKey = new Map<string, T[]>();
  for (const row of rows) {
    const known = byKey.get(keyOf(row));
    if (known) known.push(row);
    else byKey.set(keyOf(row), [row]);
  }
  return byKey;
}

function answersToPairs(tx: Transaction, round: Round, until: number) {
  const standing = tx
    .select({ preference: preferences, pair: pairs, pausedAt: user.pausedAt })
    .from(preferences)
    .innerJoin(pairs, eq(pairs.id, preferences.pairId))
    .innerJoin(user, eq(user.id, preferences.annotatorId))
    .where(
      and(
        eq(pairs.roundId, round.id),
        eq(pairs.purpose, 'training'),
        isNull(preferences.supersededAt),
      ),
    )
    .orderBy(asc(pairs.createdAt), asc(pairs.id), asc(preferences.id))
    .all();
  const settled = standing.filter((row) => row.preference.createdAt <= until);
  const counted = settled.filter((row) => row.pausedAt === null);
  const frozen: FrozenPair[] = [];
  let used = 0;
  for (const [pairId, rows] of groupBy(counted, (row) => row.pair.id)) {
    const preferred = rows.map((row) => preferredSample(row.preference.answer, row.preference));
    const weighted = pairFromAnswers(
      rows[0]!.pair,
      preferred,
      round.config.labeling.agreementWeighting,
    );
    if (!weighted) continue;
    const whoPreferred = (id: string) =>
      rows.filter((_, i) => preferred[i] === id).map((row) => row.preference.annotatorId);
    const votes = {
      for: whoPreferred(weighted.winnerSampleId),
      against: whoPreferred(weighted.loserSampleId),
    };
    frozen.push({ ...weighted, pairId, groupId: null, votes });
    used += preferred.filter((id) => id !== null).length;
  }
  return { standing, settled, counted, used, frozen };
}

function taggingsToPairs(tx: Transaction, round: Round, until: number) {
  const standing = tx
    .select({ tagging: taggings, pausedAt: user.pausedAt })
    .from(taggings)
    .innerJoin(groups, eq(groups.id, taggings.groupId))
    .innerJoin(user, eq(user.id, taggings.annotatorId))
    .where(and(eq(groups.roundId, round.id), isNull(taggings.supersededAt)))
    .orderBy(asc(groups.createdAt), asc(groups.id), asc(taggings.id))
    .all();
  const settled = standing.filter((row) => row.tagging.createdAt <= until);
  const counted = settled.filter((row) => row.pausedAt === null);
  const frozen: FrozenPair[] = [];
  let used = 0;
  for (const [groupId, rows] of groupBy(counted, (row) => row.tagging.groupId)) {
    const members = tx
      .select({ id: samples.id })
      .from(samples)
      .where(eq(samples.groupId, groupId))
      .orderBy(asc(samples.seed), asc(samples.id))
      .all();
    const weighted = pairsFromTags(
      members.map((member) => member.id),
      rows.map((row) => row.tagging.taggedSampleIds),
      round.config.labeling.agreementWeighting,
    );
    if (weighted.length > 0) used += rows.length;
    const given = rows.map((row) => row.tagging);
    frozen.push(
      ...weighted.map((pair) => ({
        ...pair,
        pairId: null,
        groupId,
        votes: votesFromTags(pair, given),
      })),
    );
  }
  return { standing, settled, counted, used, frozen };
}

/**
 * Within the decision that ends labeling: turns a round's settled answers into training pairs in a
 * fixed order and stores them, so that a trainer killed and restarted trains on exactly the same.
 */
export function freezeTrainingPairs(tx: Transaction, round: Round, now: number): TrainingData {
  const until = now - round.config.labeling.undoWindowSeconds * 1000;
  const read = round.config.sampling.pairSource === 'pairs' ? answersToPairs : taggingsToPairs;
  const { standing, settled, counted, used, frozen } = read(tx, round, until);
  const doubt = labelDoubt(tx, round, until);
  frozen.forEach(({ votes, ...pair }, ordinal) => {
    tx.insert(trainingPairs)
      .values({ roundId: round.id, ordinal, ...pair, smoothing: doubt(votes) })
      .run();
  });
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
