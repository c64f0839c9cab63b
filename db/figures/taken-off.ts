/**
 * @file What is counted of a pipeline's material (figures.ts) but does not count now, in the words
 * of the triggers that counted it.
 */
import { db } from '../client';
import { type Counting, countingAll, pipelineOf, tagPairs } from './material-sql';

/** Something that a person said, by its id. */
interface Said {
  id: string;
  annotatorId: string;
}

/** What people said too lately to count. */
export type Young = Record<keyof Counting, Said[]>;

/**
 * By how much the counts are too high: pairs, groups and images that somebody touched who does not
 * count are counted with all that stands, and with what counts alone, in one pass. The joins are
 * crossed to keep their order: the planner, which cannot know how few rows are touched, would scan
 * all pairs.
 */
export function takenOff(pipeline: string, young: Young) {
  const counts = (row: string, kind: keyof Counting) =>
    `not (${row}.annotator_id in paused or ${row}.id in ${kind}_young)`;
  const tags = (of: Counting) =>
    `coalesce((select sum(decided) from (${tagPairs('g.id in touched_groups', of)}) l
      where ${pipelineOf('groups', 'l.group_id')} = :pipeline), 0)`;
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
      touched_pairs (id, sample_a_id, sample_b_id) as materialized (
        select q.id, q.sample_a_id, q.sample_b_id from (
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
          select q.id, ${counts('p', 'answers')} as counts, case
            when p.answer = 'left' then iif(p.left_sample_id = q.sample_a_id, 1, -1)
            when p.answer = 'right' then iif(p.right_sample_id = q.sample_a_id, 1, -1)
            else 0 end as v
          from touched_pairs q cross join preferences p on p.pair_id = q.id
          where p.superseded_at is null
        ) q group by q.id having ${pipelineOf('pairs', 'q.id')} = :pipeline),
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
