/**
 * @file How much there is to learn a reward from, as reward-data.ts would read it. What is counted while people speak
 * (figures.ts) holds for everybody and at once; what paused people said, and what can still be taken back, is taken off here.
 */
import { and, eq, gt, inArray, isNull, sql } from 'drizzle-orm';
import type { LearnedSource } from '@/lib/rewards';
import { db } from '../client';
import { materialCounts, materialPeople } from '../schema/figures';
import { flags, groups, pairs, preferences, samples, taggings } from '../schema/labels';
import { user } from '../schema/people';
import { rounds, runs } from '../schema/rounds';
import { type Counting, countingAll, pipelineOfRound, tagPairs } from './material-sql';

/** Labels that a reward model would learn from, and whose they are. */
export interface Material {
  /** Pairs and tags that prefer a side, or images that were judged; of these, images that were found good. */
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

interface Said {
  id: string;
  annotatorId: string;
}

type Young = Record<keyof Counting, Said[]>;

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

/**
 * By how much the counts are too high: pairs, groups and images that somebody touched who does not count are counted with all
 * that stands, and with what counts alone, in one pass. The joins are crossed to keep their order: the planner, which cannot know how
 * few rows are touched, would scan all pairs.
 */
function takenOff(pipeline: string, young: Young) {
  const counts = (row: string, kind: keyof Counting) =>
    `not (${row}.annotator_id in paused or ${row}.id in ${kind}_young)`;
  const ofPipeline = (round: string) => `${pipelineOfRound(round)} = :pipeline`;
  const tags = (of: Counting) =>
    `coalesce((select sum(decided) from (${tagPairs('g.id in touched_groups', of)})
      where ${ofPipeline('(select round_id from groups where id = group_id)')}), 0)`;
  const countedTags = { ...countingAll, taggings: (t: string) => `and ${counts(t, 'taggings')}` };
  const votesOfSide = (side: string) => `
    select q.${side}, p.answer = 'both-bad', iif(p.answer = 'left', p.left_sample_id, iif(p.answer = 'right', p.right_sample_id, '')) = q.${side},
      ${counts('p', 'answers')}
    from touched_samples s cross join pairs q on q.${side} = s.id cross join preferences p on p.pair_id = q.id
    where q.purpose = 'training' and p.superseded_at is null`;
  const ids = (rows: Said[]) => JSON.stringify(rows.map(({ id }) => id));
  return db()
    .$client.prepare(
      `with paused (id) as (select id from user where paused_at is not null),
      answers_young (id) as (select value from json_each(:answers)),
      taggings_young (id) as (select value from json_each(:taggings)),
      flags_young (id) as (select value from json_each(:flags)),
      touched_pairs (id, round_id, sample_a_id, sample_b_id) as materialized (
        select q.id, q.round_id, q.sample_a_id, q.sample_b_id from (
          select pair_id from preferences where annotator_id in paused and superseded_at is null and purpose = 'training'
          union select pair_id from preferences where id in answers_young
        ) cross join pairs q on q.id = pair_id where q.purpose = 'training'),
      touched_groups (id) as materialized (
        select group_id from taggings where superseded_at is null and (annotator_id in paused or id in taggings_young)),
      touched_samples (id, purpose, group_id) as materialized (
        select x.id, x.purpose, x.group_id from (
          select sample_a_id as id from touched_pairs union select sample_b_id from touched_pairs
          union select id from samples where group_id in touched_groups
          union select sample_id from flags where annotator_id in paused
          union select sample_id from flags where id in flags_young
        ) u cross join samples x on x.id = u.id
        where (select pipeline from policies where id = x.policy_id) = :pipeline),
      leads as materialized (
        select q.id, sum(v) <> 0 as decided, sum(counts) > 0 as said, sum(v * counts) <> 0 as decided_then from (
          select q.id, q.round_id, ${counts('p', 'answers')} as counts, case
            when p.answer = 'left' then iif(p.left_sample_id = q.sample_a_id, 1, -1)
            when p.answer = 'right' then iif(p.right_sample_id = q.sample_a_id, 1, -1)
            else 0 end as v
          from touched_pairs q cross join preferences p on p.pair_id = q.id
          where p.superseded_at is null
        ) q group by q.id having ${ofPipeline('q.round_id')}),
      votes (id, bad, good, counts) as (
        ${votesOfSide('sample_a_id')} union all ${votesOfSide('sample_b_id')}
        union all select f.sample_id, 1, 0, ${counts('f', 'flags')}
        from touched_samples s cross join flags f on f.sample_id = s.id
        where f.source = 'annotator' and f.state <> 'rejected' and s.purpose = 'training'
        union all select s.id, s.id in (select value from json_each(t.tagged_sample_ids)),
          s.id not in (select value from json_each(t.tagged_sample_ids)), ${counts('t', 'taggings')}
        from touched_samples s cross join taggings t on t.group_id = s.group_id
        where t.superseded_at is null),
      images as materialized (
        select id, max(bad) as bad, max(good) as good, max(bad * counts) as bad_then, max(good * counts) as good_then
        from votes group by id)
      select
        (select coalesce(sum(decided) - sum(said and decided_then), 0) from leads)
          + ${tags(countingAll)} - ${tags(countedTags)} as decided,
        (select coalesce(sum(not decided) - sum(said and not decided_then), 0) from leads) as silent,
        (select coalesce(sum(bad) - sum(bad_then), 0) from images) as bad,
        (select coalesce(sum(good and not bad) - sum(good_then and not bad_then), 0) from images) as good`,
    )
    .get({
      pipeline,
      answers: ids(young.answers),
      taggings: ids(young.taggings),
      flags: ids(young.flags),
    }) as { decided: number; silent: number; good: number; bad: number };
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
