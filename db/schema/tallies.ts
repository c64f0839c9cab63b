import { primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { whole } from './columns';
import { user } from './people';
import { rounds } from './rounds';

/**
 * What one person has done in one round, kept while they do it so that nobody counts all their
 * answers again. A person's rows are made when they first lease or answer (db/tallies.ts).
 */
export const tallies = sqliteTable(
  'tallies',
  {
    annotatorId: text()
      .notNull()
      .references(() => user.id),
    roundId: text()
      .notNull()
      .references(() => rounds.id),
    /** Answers to pairs that stand. */
    answers: whole().notNull(),
    /** Pairs served with sample A on the left, less those with B there. */
    lead: whole().notNull(),
  },
  (table) => [primaryKey({ columns: [table.annotatorId, table.roundId] })],
);
