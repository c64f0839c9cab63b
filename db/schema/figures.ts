/**
 * @file Counts of answers, so that no page has to read all of them. Nothing in the code writes
 * these tables: the triggers of db/figures.ts do, in the transaction that stores or takes back an
 * answer.
 */
import { primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { total, whole } from './columns';

const counted = () => total().notNull().default(0);

/** Of each person's standing answers. */
export const annotatorCounts = sqliteTable('annotator_counts', {
  annotatorId: text().primaryKey(),
  left: counted(),
  right: counted(),
  ties: counted(),
  bothBad: counted(),
  /** Comparisons with others' answers to the same pairs, gold aside; of these, alike. */
  compared: counted(),
  agreed: counted(),
  /** Answers to gold pairs; of these, right. */
  gold: counted(),
  goldRight: counted(),
});

/** Pairs without gold that so many people (two or more) have answered. */
export const agreementCounts = sqliteTable('agreement_counts', {
  people: whole().primaryKey(),
  pairs: counted(),
  /** Ordered pairs of answers to one pair that differ. */
  disagreeing: counted(),
});

/** How often each verdict was given to such a pair: a sample's id, 'tie' or 'both-bad'. */
export const verdictCounts = sqliteTable('verdict_counts', {
  verdict: text().primaryKey(),
  answers: counted(),
});

/** One row: the sum of the squares of those. */
export const verdictSquares = sqliteTable('verdict_squares', {
  id: whole().primaryKey(),
  squares: counted(),
});

/**
 * What there is to learn a reward from, by pipeline, whoever said it and however lately: pairs and
 * tags that prefer a side, and those that prefer none; images that somebody marked, and those that
 * only pleased.
 */
export const materialCounts = sqliteTable('material_counts', {
  pipeline: text().primaryKey(),
  decided: counted(),
  silent: counted(),
  good: counted(),
  bad: counted(),
});

/** Who said it: answers to training pairs, taggings, and flags on training images that stand. */
export const materialPeople = sqliteTable(
  'material_people',
  {
    pipeline: text().notNull(),
    annotatorId: text().notNull(),
    answers: counted(),
    taggings: counted(),
    flags: counted(),
  },
  (table) => [primaryKey({ columns: [table.pipeline, table.annotatorId] })],
);
