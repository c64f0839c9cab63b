import { index, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type {
  FoundPipeline,
  ImportOptions,
  ImportProgress,
  ImportState,
} from '@/lib/pipeline-imports';
import { instant, json } from './columns';
import { user } from './people';
import { policies } from './policies';

/** Pipelines that were asked to be taken up, with what was found of them. */
export const pipelineImports = sqliteTable(
  'pipeline_imports',
  {
    id: text().primaryKey(),
    /** The whole path, on the trainer's machine. */
    folder: text().notNull(),
    options: json<ImportOptions>().notNull(),
    state: text().$type<ImportState>().notNull(),
    progress: json<ImportProgress>(),
    found: json<FoundPipeline>(),
    /** The image it drew, a PNG. */
    imageBlob: text(),
    /** The base policy that it was registered as. */
    policyId: text().references(() => policies.id),
    error: text(),
    /** Null: whoever sits at the machine. */
    createdBy: text().references(() => user.id, { onDelete: 'set null' }),
    createdAt: instant().notNull(),
    finishedAt: instant(),
  },
  (table) => [
    index('pipeline_imports_policy').on(table.policyId),
    index('pipeline_imports_image').on(table.imageBlob),
  ],
);
