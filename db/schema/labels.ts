import { sql } from 'drizzle-orm';
import { check, index, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import type { Answer } from '@/lib/answers';
import type { FlagKind, FlagSource, FlagState } from '@/lib/flags';
import type { PairState, Purpose, Verdict } from '@/lib/samples';
import { boolean, double, instant, json, seed, whole } from './columns';
import { imports } from './imports';
import { user } from './people';
import { policies } from './policies';
import { rounds } from './rounds';

/** What pairs and groups come from: a round that drew them here, or an import. */
const fromOne = sql`(round_id is not null) + (import_id is not null) = 1`;

/** Several images of one prompt, from which the bad ones are tagged. */
export const groups = sqliteTable(
  'groups',
  {
    id: text().primaryKey(),
    roundId: text().references(() => rounds.id),
    importId: text().references(() => imports.id),
    prompt: text().notNull(),
    size: whole().notNull(),
    createdAt: instant().notNull(),
  },
  (table) => [
    index('groups_round').on(table.roundId),
    index('groups_import').on(table.importId).where(sql`import_id is not null`),
    check('groups_from', fromOne),
  ],
);

/** One generated image; the image and its trajectory lie in the blob store under their hashes. */
export const samples = sqliteTable(
  'samples',
  {
    id: text().primaryKey(),
    policyId: text()
      .notNull()
      .references(() => policies.id),
    /**
     * Only for imported images: what drew them, as far as is known. Their policy is the base that
     * they were imported to, which did not draw them; they have neither seeds (0 stands for none)
     * nor a trajectory.
     */
    origin: text(),
    /** What it was drawn for, or came with; neither: drawn to be looked at. */
    roundId: text().references(() => rounds.id),
    importId: text().references(() => imports.id),
    groupId: text().references(() => groups.id),
    prompt: text().notNull(),
    /** Seed of the step noise. */
    seed: seed().notNull(),
    /** Seed of x_T; equal for images that start from the same noise. */
    noiseSeed: seed().notNull(),
    imageBlob: text().notNull(),
    /** The image small, for strips and lists; null until somebody asks for it. */
    thumbnailBlob: text(),
    width: whole().notNull(),
    height: whole().notNull(),
    trajectoryBlob: text(),
    /** A key of lib/drawings.ts; null: not known, or drawn elsewhere. */
    drawing: text(),
    purpose: text().$type<Purpose>().notNull(),
    verdict: json<Verdict>(),
    createdAt: instant().notNull(),
  },
  (table) => [
    index('samples_policy').on(table.policyId, table.purpose, table.createdAt),
    index('samples_round').on(table.roundId),
    index('samples_group').on(table.groupId),
    index('samples_image').on(table.imageBlob),
    // By which the collector of left-over blobs knows that one is still pointed to.
    index('samples_thumbnail').on(table.thumbnailBlob).where(sql`thumbnail_blob is not null`),
    index('samples_trajectory').on(table.trajectoryBlob).where(sql`trajectory_blob is not null`),
  ],
);

/** Two samples of one prompt to be compared by `target` people. */
export const pairs = sqliteTable(
  'pairs',
  {
    id: text().primaryKey(),
    roundId: text().references(() => rounds.id),
    importId: text().references(() => imports.id),
    groupId: text().references(() => groups.id),
    prompt: text().notNull(),
    sampleAId: text()
      .notNull()
      .references(() => samples.id),
    sampleBId: text()
      .notNull()
      .references(() => samples.id),
    sharedNoise: boolean().notNull(),
    purpose: text().$type<Purpose>().notNull(),
    /** Only for gold: the sample that is known to be better. */
    goldSampleId: text().references(() => samples.id),
    target: whole().notNull(),
    /** Higher is served first. */
    priority: whole().notNull().default(0),
    state: text().$type<PairState>().notNull().default('open'),
    createdAt: instant().notNull(),
  },
  (table) => [
    index('pairs_round').on(table.roundId),
    index('pairs_import').on(table.importId).where(sql`import_id is not null`),
    check('pairs_from', fromOne),
    // Ids are random, so the next pair is the first one after a random id: no sorting, however many
    // are open.
    index('pairs_open')
      .on(table.purpose, table.roundId, table.priority, table.id)
      .where(sql`state = 'open'`),
    // Comparisons of versions, all of them, are asked about by a page.
    index('pairs_evaluation').on(table.state).where(sql`purpose = 'evaluation'`),
    // Who was served an image is asked of its pairs.
    index('pairs_sample_a').on(table.sampleAId),
    index('pairs_sample_b').on(table.sampleBId),
  ],
);

/** The right of one person to judge one pair until `expiresAt`; live while not released. */
export const leases = sqliteTable(
  'leases',
  {
    id: text().primaryKey(),
    pairId: text()
      .notNull()
      .references(() => pairs.id),
    annotatorId: text()
      .notNull()
      .references(() => user.id),
    leftSampleId: text().notNull(),
    rightSampleId: text().notNull(),
    servedAt: instant().notNull(),
    expiresAt: instant().notNull(),
    /** Set when answered, skipped or given back. */
    releasedAt: instant(),
  },
  (table) => [
    uniqueIndex('leases_pair_annotator').on(table.pairId, table.annotatorId),
    // Leases left to lapse are never released and grow in number; by their end, the live ones stand
    // together.
    index('leases_live').on(table.annotatorId, table.expiresAt).where(sql`released_at is null`),
    index('leases_ending').on(table.expiresAt).where(sql`released_at is null`),
  ],
);

/**
 * An answer. The id is made by the client, or follows from what was imported, so that sending it
 * again changes nothing.
 */
export const preferences = sqliteTable(
  'preferences',
  {
    id: text().primaryKey(),
    pairId: text()
      .notNull()
      .references(() => pairs.id),
    annotatorId: text()
      .notNull()
      .references(() => user.id),
    leaseId: text().notNull(),
    /** What it came in with; its pair may have come in with an earlier one. */
    importId: text().references(() => imports.id),
    answer: text().$type<Answer>().notNull(),
    leftSampleId: text().notNull(),
    rightSampleId: text().notNull(),
    policyId: text().notNull(),
    purpose: text().$type<Purpose>().notNull(),
    guidelinesVersion: whole(),
    /** The client's clock: when both images stood, and when the key went down. */
    shownAtMs: instant().notNull(),
    decidedAtMs: instant().notNull(),
    decisionMs: whole().notNull(),
    /** Set when undone. */
    supersededAt: instant(),
    createdAt: instant().notNull(),
  },
  (table) => [
    // The last line of defence: one standing answer per pair and person, whatever the code does.
    uniqueIndex('preferences_standing')
      .on(table.pairId, table.annotatorId)
      .where(sql`superseded_at is null`),
    index('preferences_annotator')
      .on(table.annotatorId, table.createdAt)
      .where(sql`superseded_at is null`),
    // Those that can still be taken back are the newest.
    index('preferences_created').on(table.createdAt),
    // Medians are looked up, not sorted for.
    index('preferences_decision')
      .on(table.annotatorId, table.decisionMs)
      .where(sql`superseded_at is null`),
    index('preferences_taken_back').on(table.annotatorId).where(sql`superseded_at is not null`),
    index('preferences_undone').on(table.supersededAt).where(sql`superseded_at is not null`),
    // Few among many: comparisons of versions.
    index('preferences_evaluation').on(table.pairId).where(sql`purpose = 'evaluation'`),
    // All that is counted of an import stands in it.
    index('preferences_import')
      .on(table.importId, table.pairId, table.answer, table.annotatorId)
      .where(sql`import_id is not null and superseded_at is null`),
  ],
);

/** A pair that a person did not want to judge; it is not offered to them again. */
export const skips = sqliteTable(
  'skips',
  {
    pairId: text()
      .notNull()
      .references(() => pairs.id),
    annotatorId: text()
      .notNull()
      .references(() => user.id),
    createdAt: instant().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.pairId, table.annotatorId] }),
    index('skips_annotator').on(table.annotatorId),
  ],
);

/** One person's reading of a group: which of its images are bad. */
export const taggings = sqliteTable(
  'taggings',
  {
    id: text().primaryKey(),
    groupId: text()
      .notNull()
      .references(() => groups.id),
    annotatorId: text()
      .notNull()
      .references(() => user.id),
    /** What it came in with; its group may have come in with an earlier one. */
    importId: text().references(() => imports.id),
    taggedSampleIds: json<string[]>().notNull(),
    supersededAt: instant(),
    createdAt: instant().notNull(),
  },
  (table) => [
    uniqueIndex('taggings_standing')
      .on(table.groupId, table.annotatorId)
      .where(sql`superseded_at is null`),
    index('taggings_annotator').on(table.annotatorId, table.createdAt),
    index('taggings_created').on(table.createdAt),
    index('taggings_undone').on(table.supersededAt).where(sql`superseded_at is not null`),
    index('taggings_import')
      .on(table.importId, table.groupId, table.annotatorId)
      .where(sql`import_id is not null and superseded_at is null`),
  ],
);

/** What a round trained on: its answers, frozen. */
export const trainingPairs = sqliteTable(
  'training_pairs',
  {
    roundId: text()
      .notNull()
      .references(() => rounds.id),
    ordinal: whole().notNull(),
    pairId: text().references(() => pairs.id),
    groupId: text().references(() => groups.id),
    winnerSampleId: text()
      .notNull()
      .references(() => samples.id),
    loserSampleId: text()
      .notNull()
      .references(() => samples.id),
    /** In (0, 1]. */
    weight: double().notNull(),
    /** The probability that the label is wrong, in [0, 0.5). */
    smoothing: double().notNull().default(0),
  },
  (table) => [primaryKey({ columns: [table.roundId, table.ordinal] })],
);

/**
 * What a round trained on where it learns from single images: what people had said of each, frozen.
 */
export const trainingLabels = sqliteTable(
  'training_labels',
  {
    roundId: text()
      .notNull()
      .references(() => rounds.id),
    ordinal: whole().notNull(),
    sampleId: text()
      .notNull()
      .references(() => samples.id),
    good: boolean().notNull(),
  },
  (table) => [primaryKey({ columns: [table.roundId, table.ordinal] })],
);

/** A defect marked on one image, by a person or by the judge. */
export const flags = sqliteTable(
  'flags',
  {
    id: text().primaryKey(),
    sampleId: text()
      .notNull()
      .references(() => samples.id),
    kind: text().$type<FlagKind>().notNull(),
    source: text().$type<FlagSource>().notNull(),
    annotatorId: text().references(() => user.id),
    state: text().$type<FlagState>().notNull().default('open'),
    reviewedBy: text().references(() => user.id, { onDelete: 'set null' }),
    reviewedAt: instant(),
    createdAt: instant().notNull(),
  },
  (table) => [
    // Two indexes: a judge's flag has no annotator, and NULLs are all different to a unique index.
    uniqueIndex('flags_annotator')
      .on(table.sampleId, table.kind, table.annotatorId)
      .where(sql`source = 'annotator'`),
    uniqueIndex('flags_judge').on(table.sampleId, table.kind).where(sql`source = 'judge'`),
    index('flags_state').on(table.state, table.kind),
    index('flags_by').on(table.annotatorId).where(sql`annotator_id is not null`),
    // The queue of a review: newest first.
    index('flags_queue').on(table.state, table.createdAt, table.id),
    // The partial indexes above serve nobody who passes the source as a parameter.
    index('flags_sample').on(table.sampleId),
  ],
);

export type Sample = typeof samples.$inferSelect;
export type Pair = typeof pairs.$inferSelect;
export type Group = typeof groups.$inferSelect;
