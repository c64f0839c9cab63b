import { and, asc, eq, getTableColumns, inArray, isNull } from 'drizzle-orm';
import type { TrainingLabel, TrainingPair } from '../answers/training-data';
import { db } from '../client';
import { samples, trainingLabels, trainingPairs } from '../schema/labels';
import { rounds } from '../schema/rounds';

/**
 * The first of what a round trains on, as a page shows it, empty until all of it is frozen; its
 * images are looked up, not all that were frozen.
 */
export async function firstTrainingPairs(
  roundId: string,
  limit: number,
): Promise<Omit<TrainingPair, 'pairId' | 'groupId'>[]> {
  const rows = db()
    .select(getTableColumns(trainingPairs))
    .from(trainingPairs)
    .innerJoin(rounds, eq(rounds.id, trainingPairs.roundId))
    .where(and(eq(trainingPairs.roundId, roundId), isNull(rounds.freezing)))
    .orderBy(asc(trainingPairs.ordinal))
    .limit(limit)
    .all();
  const images = imagesOf(
    rows.flatMap(({ winnerSampleId, loserSampleId }) => [winnerSampleId, loserSampleId]),
  );
  return rows.map(({ ordinal, winnerSampleId, loserSampleId, weight, smoothing }) => {
    const winner = images.get(winnerSampleId)!;
    const loser = images.get(loserSampleId)!;
    return { ordinal, prompt: winner.prompt, winner, loser, weight, smoothing };
  });
}

/** The same of a round that learns from single images. */
export async function firstTrainingLabels(
  roundId: string,
  limit: number,
): Promise<TrainingLabel[]> {
  return db()
    .select({ ordinal: trainingLabels.ordinal, sample: samples, good: trainingLabels.good })
    .from(trainingLabels)
    .innerJoin(samples, eq(samples.id, trainingLabels.sampleId))
    .innerJoin(rounds, eq(rounds.id, trainingLabels.roundId))
    .where(and(eq(trainingLabels.roundId, roundId), isNull(rounds.freezing)))
    .orderBy(asc(trainingLabels.ordinal))
    .limit(limit)
    .all();
}

function imagesOf(ids: readonly string[]) {
  const rows = db()
    .select()
    .from(samples)
    .where(inArray(samples.id, [...ids]))
    .all();
  return new Map(rows.map((row) => [row.id, row]));
}
