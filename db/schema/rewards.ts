import { sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import type { ImportReport, RewardModelState, RewardReport, RewardSource } from '@/lib/rewards';
import { instant, json, whole } from './columns';
import { user } from './people';

/**
 * Reward models, learned from what people said or imported; immutable once ready. Learning again
 * makes a new version.
 */
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
  (table) => [uniqueIndex('reward_models_version').on(table.pipeline, table.source, table.version)],
);
