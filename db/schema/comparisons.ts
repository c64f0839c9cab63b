import { index, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { ComparisonEnd } from '@/lib/answers';
import { boolean, instant } from './columns';
import { user } from './people';
import { policies } from './policies';

/**
 * That people are asked which of two versions is better, one row for both however often. What they
 * are asked about are pairs of evaluation images, one of each version.
 */
export const comparisons = sqliteTable(
  'comparisons',
  {
    id: text().primaryKey(),
    pipeline: text().notNull(),
    oneId: text()
      .notNull()
      .references(() => policies.id),
    otherId: text()
      .notNull()
      .references(() => policies.id),
    /** Whether it ends as soon as one version is better beyond chance. */
    untilSure: boolean().notNull(),
    /** Null: until all its pairs are answered. */
    ended: text().$type<ComparisonEnd>(),
    askedBy: text().references(() => user.id, { onDelete: 'set null' }),
    createdAt: instant().notNull(),
    endedAt: instant(),
  },
  (table) => [index('comparisons_pipeline').on(table.pipeline, table.createdAt)],
);
