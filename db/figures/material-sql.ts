/**
 * @file What people said of images, as SQL: for the triggers that keep what there is to learn a
 * reward from (figures.ts) and for what a page takes off it (material.ts). The definitions are
 * those of reward-data.ts.
 */

/**
 * Which rows count besides standing; each a condition on an alias, beginning with "and", or
 * nothing.
 */
export interface Counting {
  answers: (p: string) => string;
  taggings: (t: string) => string;
  flags: (f: string) => string;
}

const all = () => '';

/** Everything that stands. */
export const countingAll: Counting = { answers: all, taggings: all, flags: all };

/** Everything but one row, which is not there yet. */
export const without = (kind: keyof Counting, id: string): Counting => ({
  ...countingAll,
  [kind]: (alias: string) => `and ${alias}.id <> ${id}`,
});

const standingAnswer = (p: string, counting: Counting) =>
  `${p}.superseded_at is null ${counting.answers(p)}`;

/**
 * Each pair of which some count, with what it comes to: 1 for sample A, −1 for B, 0 for neither.
 * @param which of pairs q
 */
function leads(which: string, counting: Counting): string {
  return `select q.id, sign(sum(case
      when p.answer = 'left' then iif(p.left_sample_id = q.sample_a_id, 1, -1)
      when p.answer = 'right' then iif(p.right_sample_id = q.sample_a_id, 1, -1)
      else 0 end)) as lead
    from pairs q join preferences p on p.pair_id = q.id
    where ${which} and q.purpose = 'training' and ${standingAnswer('p', counting)} group by q.id`;
}

/**
 * Of groups, how many two images there are of which more people tagged one. @param which of groups
 * g
 */
export function tagPairs(which: string, counting: Counting): string {
  const tags = `select s.group_id, s.id, (select count(*) from taggings t, json_each(t.tagged_sample_ids) tag
      where t.group_id = s.group_id and t.superseded_at is null ${counting.taggings('t')} and tag.value = s.id) as tags
    from samples s join groups g on g.id = s.group_id where ${which}`;
  return `select group_id, (sum(n) * sum(n) - sum(n * n)) / 2 as decided from (
    select group_id, count(*) as n from (${tags}) group by group_id, tags) group by group_id`;
}

/** Whether somebody marked a sample s. */
function isBad(counting: Counting): string {
  const bothBad = (
    side: string,
  ) => `exists (select 1 from pairs q join preferences p on p.pair_id = q.id
    where q.${side} = s.id and q.purpose = 'training' and p.answer = 'both-bad' and ${standingAnswer('p', counting)})`;
  return `(${bothBad('sample_a_id')} or ${bothBad('sample_b_id')}
    or (s.purpose = 'training' and exists (select 1 from flags f where f.sample_id = s.id
      and f.source = 'annotator' and f.state <> 'rejected' ${counting.flags('f')}))
    or exists (select 1 from taggings t, json_each(t.tagged_sample_ids) tag
      where t.group_id = s.group_id and t.superseded_at is null ${counting.taggings('t')} and tag.value = s.id))`;
}

/** Whether a sample s won a pair, or stood untagged in a group that somebody tagged. */
function isLiked(counting: Counting): string {
  const won = (
    side: string,
  ) => `exists (select 1 from pairs q join preferences p on p.pair_id = q.id
    where q.${side} = s.id and q.purpose = 'training' and ${standingAnswer('p', counting)}
    and ((p.answer = 'left' and p.left_sample_id = s.id) or (p.answer = 'right' and p.right_sample_id = s.id)))`;
  return `(${won('sample_a_id')} or ${won('sample_b_id')}
    or exists (select 1 from taggings t where t.group_id = s.group_id and t.superseded_at is null ${counting.taggings('t')}
      and not exists (select 1 from json_each(t.tagged_sample_ids) tag where tag.value = s.id)))`;
}

/**
 * The pipeline of a pair or a group: that of its round's run, or of its import. @param id with the
 * name of its table
 */
export const pipelineOf = (table: 'pairs' | 'groups', id: `${string}.${string}`) =>
  `(select coalesce(
      (select r2.pipeline from rounds r1 join runs r2 on r2.id = r1.run_id where r1.id = o.round_id),
      (select pipeline from imports where id = o.import_id)) from ${table} o where o.id = ${id})`;

const adding = (columns: readonly string[]) =>
  columns.map((column) => `${column} = ${column} + excluded.${column}`).join(', ');

const addTo = (columns: readonly string[], select: string) =>
  `insert into material_counts (pipeline, ${columns.join(', ')}) ${select}
    on conflict (pipeline) do update set ${adding(columns)}`;

/** Counts pairs in or out. @param which of pairs q */
export const countLeads = (sign: 1 | -1, which: string, counting: Counting): string =>
  addTo(
    ['decided', 'silent'],
    `select ${pipelineOf('pairs', 'l.id')}, ${sign} * (lead <> 0), ${sign} * (lead = 0)
      from (${leads(which, counting)}) l where true`,
  );

/** Counts the tags of groups in or out. @param which of groups g */
export const countTags = (sign: 1 | -1, which: string, counting: Counting): string =>
  addTo(
    ['decided'],
    `select ${pipelineOf('groups', 'l.group_id')}, ${sign} * sum(decided)
      from (${tagPairs(which, counting)}) l group by l.group_id`,
  );

/** Counts images in or out. @param which of samples s */
export const countImages = (sign: 1 | -1, which: string, counting: Counting): string =>
  addTo(
    ['good', 'bad'],
    `select pipeline, ${sign} * (liked and not marked), ${sign} * marked from (
      select (select pipeline from policies where id = s.policy_id) as pipeline,
        ${isLiked(counting)} as liked, ${isBad(counting)} as marked
      from samples s where ${which}) where true`,
  );

/** Counts whoever said something in or out. */
export const countPerson = (
  sign: 1 | -1,
  kind: 'answers' | 'taggings' | 'flags',
  pipeline: string,
  annotatorId: string,
  when: string,
): string =>
  `insert into material_people (pipeline, annotator_id, ${kind})
    select ${pipeline}, ${annotatorId}, ${sign} where ${when}
    on conflict (pipeline, annotator_id) do update set ${adding([kind])}`;
