import { index, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import type { ImportFormat } from '@/lib/exchange/import-formats';
import { instant, whole } from './columns';
import { policies } from './policies';

/**
 * Answers given elsewhere, as they came in: one row for each file (or folder) and pipeline. Answers
 * name what they came in with; pairs, groups and samples, which several files may have, what they
 * came in with first, where those drawn here name their round.
 */
export const imports = sqliteTable(
  'imports',
  {
    id: text().primaryKey(),
    pipeline: text().notNull(),
    /** The base policy under which its images are kept, and which did not draw them. */
    policyId: text()
      .notNull()
      .references(() => policies.id),
    /** What the file is called; of what an older version took in, all files. */
    source: text().notNull(),
    /** Of what was read. Null: several files, of which an older version made one. */
    sha256: text(),
    /** Null: an older version did not say. */
    format: text().$type<ImportFormat>(),
    /** Answers and taggings in the file that can be imported; known ones are not stored again. */
    offered: whole().notNull(),
    /** Of these, what is stored with this import; and the images that came with it. */
    answers: whole().notNull().default(0),
    images: whole().notNull().default(0),
    /** People in the file. */
    people: whole().notNull(),
    createdAt: instant().notNull(),
    /** Null: it is under way, or was stopped, and goes on when the file is imported again. */
    finishedAt: instant(),
  },
  (table) => [
    uniqueIndex('imports_file').on(table.pipeline, table.sha256),
    index('imports_created').on(table.createdAt, table.id),
  ],
);

export type Import = typeof imports.$inferSelect;
