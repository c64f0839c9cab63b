/**
 * @file How much there is to learn a reward from, as reward-data.ts would read it. What is counted
 * while people speak (figures.ts) holds for everybody and at once; what paused people said, and
 * what can still be taken back, is taken off here.
 */
import { and, eq, gt, inArray, isNull, sql } from 'drizzle-orm';
import type { LearnedSource } from '@/lib/rewards';
import { db } from '../client';
import { materialCounts, materialPeople } from '../schema/figures';
import { flags, groups, pairs, preferences, samples, taggings } from '../schema/labels';
import { user } from '../schema/people';
import { rounds, runs } from '../schema/rounds';
import type { Counting } from './material-sql';
import { takenOff, type Young } from './taken-off';

/** Labels that a reward model would learn from, and whose they are. */
export interface Material {
  /**
   * Pairs and tags that prefer a side, or images that were judged; of these, images that were found
   * good.
   */
  decided: number;
  good: number;
  /** Pairs of which no side is preferred. */
  silent: number;
  annotators: number;
}

/** The longest undo window there can be, ms: whatever is older can no longer be taken back. */
const longestWindowMs = 3600 * 1000;

/** What could be learned from at the instant `now` (ms), by source. */
export async function materialOf(
  pipeline: string,
  now: number,
): Promise<Record<LearnedSource, Material>> {
  const own = eq(materialCounts.pipeline, pipeline);
  const known = db().select().from(materialCounts).where(own).get();
  const { decided = 0, silent = 0, good = 0, bad = 0 } = known ?? {};
  const young = youngIn(pipeline, now);
  const off = takenOff(pipeline, young);
  const people = peopleIn(pipeline, young);
  return {
    picks: {
      decided: decided - off.decided,
      good: 0,
      silent: silent - off.silent,
      annotators: people(({ answers, taggings }) => answers + taggings),
    },
    flags: {
      decided: good + bad - off.good - off.bad,
      good: good - off.good,
      silent: 0,
      annotators: people(({ answers, taggings, flags }) => answers + taggings + flags),
    },
  };
}

/** What people said of a pipeline's images so lately that their rounds let them take it back. */
function youngIn(pipeline: string, now: number): Young {
  const since = now - longestWindowMs;
  const said = {
    answers: db()
      .select({
        id: preferences.id,
        annotatorId: preferences.annotatorId,
        createdAt: preferences.createdAt,
        roundId: pairs.roundId,
      })
      .from(preferences)
      .innerJoin(pairs, eq(pairs.id, preferences.pairId))
      .where(
        and(
          gt(preferences.createdAt, since),
          isNull(preferences.supersededAt),
          eq(pairs.purpose, 'training'),
        ),
      )
      .all(),
    taggings: db()
      .select({
        id: taggings.id,
        annotatorId: taggings.annotatorId,
        createdAt: taggings.createdAt,
        roundId: groups.roundId,
      })
      .from(taggings)
      .innerJoin(groups, eq(groups.id, taggings.groupId))
      .where(and(gt(taggings.createdAt, since), isNull(taggings.supersededAt)))
      .all(),
    flags: db()
      .select({
        id: flags.id,
        annotatorId: sql<string>`${flags.annotatorId}`,
        createdAt: flags.createdAt,
        roundId: samples.roundId,
      })
      .from(flags)
      .innerJoin(samples, eq(samples.id, flags.sampleId))
      .where(
        and(
          inArray(flags.state, ['open', 'confirmed']),
          gt(flags.createdAt, since),
          eq(flags.source, 'annotator'),
          eq(samples.purpose, 'training'),
        ),
      )
      .all(),
  };
  const roundIds = new Set(
    [...said.answers, ...said.taggings, ...said.flags].flatMap(({ roundId }) => roundId ?? []),
  );
  const windows = new Map(
    db()
      .select({ id: rounds.id, config: rounds.config })
      .from(rounds)
      .innerJoin(runs, eq(runs.id, rounds.runId))
      .where(and(inArray(rounds.id, [...roundIds]), eq(runs.pipeline, pipeline)))
      .all()
      .map(({ id, config }) => [id, config.labeling.undoWindowSeconds * 1000]),
  );
  const isYoung = ({ roundId, createdAt }: { roundId: string | null; createdAt: number }) =>
    createdAt > now - (windows.get(roundId ?? '') ?? 0);
  return {
    answers: said.answers.filter(isYoung),
    taggings: said.taggings.filter(isYoung),
    flags: said.flags.filter(isYoung),
  };
}

type Counts = Record<keyof Counting, number>;

/** Counts people who are not paused and of whose words something counts. */
function peopleIn(pipeline: string, young: Young): (of: (counts: Counts) => number) => number {
  const rows = db()
    .select({ ...materialPeopleCounts, annotatorId: materialPeople.annotatorId })
    .from(materialPeople)
    .innerJoin(user, eq(user.id, materialPeople.annotatorId))
    .where(and(eq(materialPeople.pipeline, pipeline), isNull(user.pausedAt)))
    .all();
  const lately = (kind: keyof Counting) => {
    const counts = new Map<string, number>();
    for (const { annotatorId } of young[kind]) {
      counts.set(annotatorId, (counts.get(annotatorId) ?? 0) + 1);
    }
    return (id: string) => counts.get(id) ?? 0;
  };
  const [answers, tagged, flagged] = [lately('answers'), lately('taggings'), lately('flags')];
  const settled = rows.map(({ annotatorId: id, ...row }) => ({
    answers: row.answers - answers(id),
    taggings: row.taggings - tagged(id),
    flags: row.flags - flagged(id),
  }));
  return (of) => settled.filter((counts) => of(counts) > 0).length;
}

const materialPeopleCounts = {
  answers: materialPeople.answers,
  taggings: materialPeople.taggings,
  flags: materialPeople.flags,
};
