import { sql } from 'drizzle-orm';
import { index, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import type { ImportReport, RewardModelState, RewardReport, RewardSource } from '@/lib/rewards';
import { instant, json, whole } from './columns';
import { user } from './people';

/** Reward models, learned from what people said or imported; immutable once ready. Learning again makes a new version. */
export const rewardModels = sqliteTable(
  'reward_models',
  {
    id: text().primaryKey(),
    /** 'hands', or the folder of an imported pipeline: its features are what the model reads. */
    pipeline: text().notNull(),
    source: text().$type<RewardSource>().notNull(),
    /** Counted from 1 for each pipeline and source. */
    version: whole().notNull(),
    state: text().$type<RewardModelState>().notNull(),
    /** What could no longer be undone at this instant counts, ms. */
    until: instant().notNull(),
    /** The trainer at work on it. */
    claimedBy: text(),
    /** How often a trainer took it up and was not told to put it down again. */
    attempts: whole().notNull().default(0),
    /** Hash of the model's safetensors in the blob store, once ready. */
    blob: text(),
    report: json<RewardReport>(),
    /** Where an imported model lies, and what it was found to be. */
    folder: text(),
    imported: json<ImportReport>(),
    error: text(),
    createdBy: text().references(() => user.id, { onDelete: 'set null' }),
    createdAt: instant().notNull(),
    finishedAt: instant(),
  },
  (table) => [
    uniqueIndex('reward_models_version').on(table.pipeline, table.source, table.version),
    index('reward_models_waiting').on(table.createdAt).where(sql`state in ('queued', 'training')`),
  ],
);
