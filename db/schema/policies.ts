import { type AnySQLiteColumn, index, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { PolicyManifest } from '@/lib/policies';
import { instant, json } from './columns';

/** Immutable: a pipeline plus an adapter, with the policy it was trained from. */
export const policies = sqliteTable(
  'policies',
  {
    id: text().primaryKey(),
    name: text().notNull(),
    parentId: text().references((): AnySQLiteColumn => policies.id),
    /** 'hands', or the folder of an imported pipeline. */
    pipeline: text().notNull(),
    /** Hash of the adapter's safetensors in the blob store; null for a base policy. */
    adapterBlob: text(),
    /** Identifies the weights: two policies with one hash draw the same images. */
    hash: text().notNull(),
    manifest: json<PolicyManifest>().notNull(),
    /**
     * The round that trained it; null for a base policy. No reference: rounds refer to policies.
     */
    roundId: text(),
    createdAt: instant().notNull(),
  },
  (table) => [
    index('policies_pipeline').on(table.pipeline, table.createdAt),
    index('policies_parent').on(table.parentId),
  ],
);

/** Names that move: `serving:hands` is the policy that draws the next round's images. */
export const aliases = sqliteTable('aliases', {
  name: text().primaryKey(),
  policyId: text()
    .notNull()
    .references(() => policies.id),
  /** Null: Darkroom itself, by the run's serving rule. */
  setBy: text(),
  setAt: instant().notNull(),
});
