import { sql } from 'drizzle-orm';
import { check, index, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import type { Method } from '@/lib/methods';
import type { EvaluationSummary, TrainMetrics } from '@/lib/metrics';
import type { RoundProgress, RoundState } from '@/lib/rounds';
import type { RunMode, RunStatus } from '@/lib/runs';
import { completeConfig, type RunConfig } from '@/lib/settings/run-config';
import type { WorkKind, WorkState } from '@/lib/work';
import { boolean, instant, json, jsonRead, serial, whole } from './columns';
import { user } from './people';
import { pipelineImports } from './pipeline-imports';
import { policies } from './policies';
import { rewardModels } from './rewards';

const runConfig = () => jsonRead<RunConfig>(completeConfig);

export const runs = sqliteTable('runs', {
  id: text().primaryKey(),
  name: text().notNull(),
  mode: text().$type<RunMode>().notNull(),
  method: text().$type<Method>().notNull(),
  pipeline: text().notNull(),
  config: runConfig().notNull(),
  status: text().$type<RunStatus>().notNull(),
  createdBy: text().references(() => user.id, { onDelete: 'set null' }),
  createdAt: instant().notNull(),
});

export const rounds = sqliteTable(
  'rounds',
  {
    id: text().primaryKey(),
    runId: text()
      .notNull()
      .references(() => runs.id),
    /** 1 for the first round of its run. */
    ordinal: whole().notNull(),
    state: text().$type<RoundState>().notNull(),
    paused: boolean().notNull().default(false),
    startPolicyId: text()
      .notNull()
      .references(() => policies.id),
    resultPolicyId: text().references(() => policies.id),
    config: runConfig().notNull(),
    progress: json<RoundProgress>().notNull(),
    /**
     * Who freezes its answers right now, and when they were last heard of (ms): what is frozen so
     * far does not count yet.
     */
    freezing: json<{ token: string; at: number }>(),
    /**
     * When it is to be looked at whether its answers suffice (ms): something that they hang on has
     * changed, and what people can still undo stands by then. Null: nothing has changed since it
     * was looked at.
     */
    lookAt: instant(),
    /** What stopped it and what to do about it. */
    error: text(),
    /** What reproduces it: hashes, seeds, data window, versions. */
    manifest: json<Record<string, unknown>>(),
    /** What of a round that is over was given up already, and when (ms). */
    tidied: json<{ trajectories?: number; leases?: number }>(),
    createdAt: instant().notNull(),
    startedAt: instant().notNull(),
    finishedAt: instant(),
  },
  (table) => [
    uniqueIndex('rounds_run_ordinal').on(table.runId, table.ordinal),
    index('rounds_state').on(table.state),
    index('rounds_created').on(table.createdAt, table.ordinal, table.id),
  ],
);

/**
 * What trainers have to do: one row for each kind of work on what it is about, a round, a reward
 * model or the import of a pipeline.
 */
export const work = sqliteTable(
  'work',
  {
    id: text().primaryKey(),
    kind: text().$type<WorkKind>().notNull(),
    /** What it is about: one of these, as its kind has it. */
    roundId: text().references(() => rounds.id),
    rewardModelId: text().references(() => rewardModels.id),
    pipelineImportId: text().references(() => pipelineImports.id),
    state: text().$type<WorkState>().notNull(),
    claimedBy: text(),
    claimedAt: instant(),
    heartbeatAt: instant(),
    /** Claims since the last checkpoint; many mean that the work kills its worker. */
    attempts: whole().notNull().default(0),
    /** Where to go on: written by the trainer, read by nobody else. */
    cursor: json<unknown>(),
    error: text(),
    createdAt: instant().notNull(),
  },
  (table) => [
    uniqueIndex('work_round_kind').on(table.roundId, table.kind),
    uniqueIndex('work_reward_model_kind').on(table.rewardModelId, table.kind),
    uniqueIndex('work_pipeline_import_kind').on(table.pipelineImportId, table.kind),
    check(
      'work_about',
      sql`(round_id is not null) + (reward_model_id is not null) + (pipeline_import_id is not null) = 1`,
    ),
    index('work_waiting')
      .on(table.state, table.createdAt)
      .where(sql`state in ('queued', 'claimed')`),
  ],
);

export const workers = sqliteTable('workers', {
  id: text().primaryKey(),
  pid: whole().notNull(),
  host: text().notNull(),
  device: text().notNull(),
  startedAt: instant().notNull(),
  heartbeatAt: instant().notNull(),
  info: json<Record<string, unknown>>().notNull(),
});

export const trainSteps = sqliteTable(
  'train_steps',
  {
    id: serial(),
    roundId: text()
      .notNull()
      .references(() => rounds.id),
    step: whole().notNull(),
    /** Null: the mean over the step's timesteps. */
    timestep: whole(),
    metrics: json<TrainMetrics>().notNull(),
    createdAt: instant().notNull(),
  },
  (table) => [index('train_steps_round').on(table.roundId, table.step)],
);

export const evaluations = sqliteTable(
  'evaluations',
  {
    id: text().primaryKey(),
    /** Null: a policy evaluated outside any round. */
    roundId: text().references(() => rounds.id),
    policyId: text()
      .notNull()
      .references(() => policies.id),
    comparedToPolicyId: text().references(() => policies.id),
    /** How its images were drawn, a key of lib/drawings.ts; null: not known. */
    drawing: text(),
    summary: json<EvaluationSummary>().notNull(),
    createdAt: instant().notNull(),
  },
  (table) => [
    index('evaluations_policy').on(table.policyId, table.createdAt),
    index('evaluations_round').on(table.roundId),
  ],
);

/** What pages stream; the id is the stream's Last-Event-ID. */
export const events = sqliteTable(
  'events',
  {
    id: serial(),
    roundId: text(),
    kind: text().notNull(),
    payload: json<unknown>().notNull(),
    createdAt: instant().notNull(),
  },
  (table) => [index('events_round').on(table.roundId, table.id)],
);

export type Run = typeof runs.$inferSelect;
export type Round = typeof rounds.$inferSelect;
