/** @file What people said of a pipeline's images, in the form a reward model learns from: statements with soft labels. */
import { and, asc, eq, isNull, lte } from 'drizzle-orm';
import { alias } from 'drizzle-orm/sqlite-core';
import { preferredSample } from '@/lib/answers';
import type { Proportion } from '@/lib/metrics';
import { allPairs, pairsFromTags } from '@/lib/pairing';
import type { LearnedSource } from '@/lib/rewards';
import { db } from './client';
import { groups, pairs, preferences, samples, taggings } from './schema/labels';
import { user } from './schema/people';
import { rounds, runs } from './schema/rounds';

/** An image that people judged. */
export interface RewardImage {
  id: string;
  prompt: string;
  imageBlob: string;
}

/**
 * People compared `first` with `second`, and `label` is the share of them that preferred the first, a tie counting half; or
 * they judged `first` by itself (`second` null), 1 for good and 0 for bad.
 */
export interface SaidOfImages {
  first: RewardImage;
  second: RewardImage | null;
  label: number;
  /** How many examples of that prompt there are shares its weight. */
  weight: number;
  /** Statements of one group share images. */
  group: string;
}

export interface Statements {
  statements: SaidOfImages[];
  /** People whose answers these are. */
  annotators: number;
  /** Of two people who both preferred a side of one pair: how often it was the same. */
  ceiling: Proportion;
}

const imageColumns = (table: typeof samples) => ({
  id: table.id,
  prompt: table.prompt,
  imageBlob: table.imageBlob,
});

const nothing: Statements = { statements: [], annotators: 0, ceiling: { count: 0, n: 0 } };

/** What a reward model of this source learns from, of what people had said by `until` (ms). Always in the same order. */
export async function statementsOf(
  pipeline: string,
  source: LearnedSource,
  until: number,
): Promise<Statements> {
  return source === 'picks' ? picksOf(pipeline, until) : nothing;
}

/**
 * All standing answers to a pipeline's training pairs, and taggings of its groups, given up to `until` (ms) by people who
 * are not paused; gold and evaluation pairs are none of them.
 */
function picksOf(pipeline: string, until: number): Statements {
  const answered = answersOf(pipeline, until);
  const tagged = tagsOf(pipeline, until);
  const comparisons = [...answered.comparisons, ...tagged.comparisons];
  const perPrompt = new Map<string, number>();
  for (const { first } of comparisons) {
    perPrompt.set(first.prompt, (perPrompt.get(first.prompt) ?? 0) + 1);
  }
  return {
    statements: comparisons.map((compared) => ({
      ...compared,
      weight: compared.weight / (perPrompt.get(compared.first.prompt) as number),
    })),
    annotators: new Set([...answered.annotators, ...tagged.annotators]).size,
    ceiling: answered.ceiling,
  };
}

function answersOf(pipeline: string, until: number) {
  const first = alias(samples, 'first');
  const second = alias(samples, 'second');
  const rows = db()
    .select({
      preference: preferences,
      first: imageColumns(first as unknown as typeof samples),
      second: imageColumns(second as unknown as typeof samples),
    })
    .from(preferences)
    .innerJoin(pairs, eq(pairs.id, preferences.pairId))
    .innerJoin(rounds, eq(rounds.id, pairs.roundId))
    .innerJoin(runs, eq(runs.id, rounds.runId))
    .innerJoin(first, eq(first.id, pairs.sampleAId))
    .innerJoin(second, eq(second.id, pairs.sampleBId))
    .innerJoin(user, eq(user.id, preferences.annotatorId))
    .where(
      and(
        eq(runs.pipeline, pipeline),
        eq(pairs.purpose, 'training'),
        isNull(preferences.supersededAt),
        isNull(user.pausedAt),
        lte(preferences.createdAt, until),
      ),
    )
    .orderBy(asc(pairs.createdAt), asc(pairs.id), asc(preferences.id))
    .all();
  const byPair = new Map<string, typeof rows>();
  for (const row of rows) {
    const { pairId } = row.preference;
    const known = byPair.get(pairId);
    if (known) known.push(row);
    else byPair.set(pairId, [row]);
  }
  let [same, both] = [0, 0];
  const comparisons = [...byPair].map(([pairId, answers]): SaidOfImages => {
    const { first, second } = answers[0] as (typeof rows)[number];
    const preferred = answers.map(({ preference }) =>
      preferredSample(preference.answer, preference),
    );
    for (const [one, other] of allPairs(preferred.filter((id) => id !== null))) {
      both++;
      if (one === other) same++;
    }
    const shares = preferred.map((id) => (id === null ? 0.5 : Number(id === first.id)));
    const label = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    return { first, second, label, weight: 1, group: pairId };
  });
  return {
    comparisons,
    annotators: rows.map(({ preference }) => preference.annotatorId),
    ceiling: { count: same, n: both },
  };
}

function tagsOf(pipeline: string, until: number) {
  const rows = db()
    .select({ tagging: taggings })
    .from(taggings)
    .innerJoin(groups, eq(groups.id, taggings.groupId))
    .innerJoin(rounds, eq(rounds.id, groups.roundId))
    .innerJoin(runs, eq(runs.id, rounds.runId))
    .innerJoin(user, eq(user.id, taggings.annotatorId))
    .where(
      and(
        eq(runs.pipeline, pipeline),
        isNull(taggings.supersededAt),
        isNull(user.pausedAt),
        lte(taggings.createdAt, until),
      ),
    )
    .orderBy(asc(groups.createdAt), asc(groups.id), asc(taggings.id))
    .all()
    .map(({ tagging }) => tagging);
  const comparisons = [...new Set(rows.map(({ groupId }) => groupId))].flatMap((groupId) => {
    const members = db()
      .select(imageColumns(samples))
      .from(samples)
      .where(eq(samples.groupId, groupId))
      .orderBy(asc(samples.seed), asc(samples.id))
      .all();
    const image = (id: string) => members.find((member) => member.id === id) as RewardImage;
    const tags = rows
      .filter((tagging) => tagging.groupId === groupId)
      .map(({ taggedSampleIds }) => taggedSampleIds);
    return pairsFromTags(
      members.map(({ id }) => id),
      tags,
      'agreement',
    ).map(
      ({ winnerSampleId, loserSampleId, weight }): SaidOfImages => ({
        first: image(winnerSampleId),
        second: image(loserSampleId),
        label: 1,
        weight,
        group: groupId,
      }),
    );
  });
  return { comparisons, annotators: rows.map(({ annotatorId }) => annotatorId) };
}
