/**
 * @file Columns of exported answers with their types: Pick-a-Pic's where it has them, then our own.
 */
import type { PickAPicRow } from '@/lib/exchange/pick-a-pic';
import type { Columns, ColumnType } from './parquet-file';

export const answerColumns = {
  ranking_id: 'int64',
  user_id: 'int64',
  created_at: 'timestamp[ns]',
  caption: 'string',
  image_0_uid: 'string',
  image_1_uid: 'string',
  label_0: 'float64',
  label_1: 'float64',
  best_image_uid: 'string',
  are_different: 'bool',
  has_label: 'bool',
  model_0: 'string',
  model_1: 'string',
  num_example_per_prompt: 'int64',
  answer_id: 'string',
  created_at_ms: 'int64',
  answer: 'string',
  purpose: 'string',
  held_back: 'bool',
  decision_ms: 'int64',
} as const satisfies Record<keyof PickAPicRow, ColumnType>;

/** Images as `datasets` keeps them, which shows them. */
export const tripleColumns: Columns = {
  prompt: 'string',
  chosen: 'image',
  rejected: 'image',
  user_id: 'int64',
  created_at: 'timestamp[ns]',
  answer_id: 'string',
};

/** With the images themselves, and all columns that Pick-a-Pic has. */
export const parquetColumns: Columns = {
  jpg_0: 'binary',
  jpg_1: 'binary',
  ...answerColumns,
  image_0_url: 'string',
  image_1_url: 'string',
};

/** Beside these, all that is known of how an answer and its images came about. */
export const noiseColumns: Columns = {
  ...parquetColumns,
  pair_id: 'string',
  round_id: 'string',
  import_id: 'string',
  shared_noise: 'bool',
  left_probability: 'float64',
  shown_at_ms: 'int64',
  decided_at_ms: 'int64',
  guidelines_version: 'int64',
  ...sides((side) => ({
    [`sample_${side}_id`]: 'string',
    [`seed_${side}`]: 'int64',
    [`noise_seed_${side}`]: 'int64',
    [`policy_${side}_hash`]: 'string',
    [`latents_${side}_path`]: 'string',
    [`latents_${side}`]: 'string',
  })),
};

function sides(columnsOf: (side: 0 | 1) => Columns): Columns {
  return { ...columnsOf(0), ...columnsOf(1) };
}
