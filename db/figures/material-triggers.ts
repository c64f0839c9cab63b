/**
 * @file The triggers that keep what there is to learn a reward from. What changes is taken out and
 * put back as it is then.
 */
import {
  type Counting,
  countImages,
  countingAll,
  countLeads,
  countPerson,
  countTags,
  pipelineOf,
  without,
} from './material-sql';

type Sign = 1 | -1;

const ofPair = (sign: Sign, row: string, counting: Counting): string[] => [
  countLeads(sign, `q.id = ${row}.pair_id`, counting),
  countImages(sign, `s.id in (${row}.left_sample_id, ${row}.right_sample_id)`, counting),
];

const answerer = (sign: Sign, row: string) =>
  countPerson(
    sign,
    'answers',
    pipelineOf('pairs', `${row}.pair_id`),
    `${row}.annotator_id`,
    `${row}.purpose = 'training' and ${row}.superseded_at is null`,
  );

const ofGroup = (sign: Sign, row: string, counting: Counting): string[] => [
  countTags(sign, `g.id = ${row}.group_id`, counting),
  countImages(sign, `s.group_id = ${row}.group_id`, counting),
];

const tagger = (sign: Sign, row: string) =>
  countPerson(
    sign,
    'taggings',
    pipelineOf('groups', `${row}.group_id`),
    `${row}.annotator_id`,
    `${row}.superseded_at is null`,
  );

const ofFlag = (sign: Sign, row: string, counting: Counting): string[] => [
  countImages(sign, `s.id = ${row}.sample_id`, counting),
];

const flagger = (sign: Sign, row: string) =>
  countPerson(
    sign,
    'flags',
    `(select pipeline from policies join samples on samples.policy_id = policies.id where samples.id = ${row}.sample_id)`,
    `${row}.annotator_id`,
    `${row}.source = 'annotator' and ${row}.state <> 'rejected' and (select purpose from samples where id = ${row}.sample_id) = 'training'`,
  );

interface Kind {
  table: 'preferences' | 'taggings' | 'flags';
  /** Columns whose change matters. */
  columns: string;
  kind: keyof Counting;
  /** A condition on a row for its triggers to run, or nothing. */
  only: (row: string) => string;
  said: (sign: Sign, row: string, counting: Counting) => string[];
  person: (sign: Sign, row: string) => string;
}

const kinds: Kind[] = [
  {
    table: 'preferences',
    columns: 'superseded_at, answer',
    kind: 'answers',
    only: (row) => `when ${row}.purpose = 'training'`,
    said: ofPair,
    person: answerer,
  },
  {
    table: 'taggings',
    columns: 'superseded_at, tagged_sample_ids',
    kind: 'taggings',
    only: () => '',
    said: ofGroup,
    person: tagger,
  },
  {
    table: 'flags',
    columns: 'state',
    kind: 'flags',
    only: (row) => `when ${row}.source = 'annotator'`,
    said: ofFlag,
    person: flagger,
  },
];

/** By name, when each runs and what it does. */
export const materialTriggers = kinds.flatMap(
  ({ table, columns, kind, only, said, person }): [string, string, string[]][] => [
    [
      `figures_material_${table}_given`,
      `after insert on ${table} ${only('new')}`,
      [
        ...said(-1, 'new', without(kind, 'new.id')),
        ...said(1, 'new', countingAll),
        person(1, 'new'),
      ],
    ],
    [
      `figures_material_${table}_changing`,
      `before update of ${columns} on ${table} ${only('old')}`,
      [...said(-1, 'old', countingAll), person(-1, 'old')],
    ],
    [
      `figures_material_${table}_changed`,
      `after update of ${columns} on ${table} ${only('new')}`,
      [...said(1, 'new', countingAll), person(1, 'new')],
    ],
    [
      `figures_material_${table}_going`,
      `before delete on ${table} ${only('old')}`,
      [...said(-1, 'old', countingAll), person(-1, 'old')],
    ],
    [
      `figures_material_${table}_gone`,
      `after delete on ${table} ${only('old')}`,
      said(1, 'old', countingAll),
    ],
  ],
);

/** Counts everything there is into empty tables. */
export const recountMaterial: string[] = [
  countLeads(1, 'true', countingAll),
  countTags(1, 'g.id in (select group_id from taggings)', countingAll),
  countImages(1, 'true', countingAll),
  ...(
    [
      ['preferences', answerer],
      ['taggings', tagger],
      ['flags', flagger],
    ] as const
  ).map(([table, person]) =>
    person(1, 'row').replace(/\bwhere row\./, `from ${table} row where row.`),
  ),
];
