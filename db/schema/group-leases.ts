import { sql } from 'drizzle-orm';
import { index, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { instant, json } from './columns';
import { groups } from './labels';
import { user } from './people';

/** The right of one person to tag one group until `expiresAt`; live while not released. */
export const groupLeases = sqliteTable(
  'group_leases',
  {
    id: text().primaryKey(),
    groupId: text()
      .notNull()
      .references(() => groups.id),
    annotatorId: text()
      .notNull()
      .references(() => user.id),
    /** The group's samples in the order drawn for this person. */
    sampleIds: json<string[]>().notNull(),
    servedAt: instant().notNull(),
    expiresAt: instant().notNull(),
    /** Set when tagged or skipped. */
    releasedAt: instant(),
  },
  (table) => [
    uniqueIndex('group_leases_group_annotator').on(table.groupId, table.annotatorId),
    index('group_leases_annotator').on(table.annotatorId, table.releasedAt),
    index('group_leases_live').on(table.expiresAt).where(sql`released_at is null`),
  ],
);

/** A group that a person did not want to tag; it is not offered to them again. */
export const groupSkips = sqliteTable(
  'group_skips',
  {
    groupId: text()
      .notNull()
      .references(() => groups.id),
    annotatorId: text()
      .notNull()
      .references(() => user.id),
    createdAt: instant().notNull(),
  },
  (table) => [primaryKey({ columns: [table.groupId, table.annotatorId] })],
);
