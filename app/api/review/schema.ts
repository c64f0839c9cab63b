import { z } from 'zod';
import { flagKindSchema, flagSourceSchema, flagStateSchema } from '@/lib/flags';
import { countedKinds } from '@/lib/judges/judging';
import { judgePartSchema } from '@/lib/judges/parts';
import { roleSchema } from '@/lib/roles';
import { purposeSchema } from '@/lib/samples';
import { markedSchema } from '@/lib/statistics/agreement';
import { proportionSchema } from '@/lib/statistics/proportion';
import { drawingKeySchema, drawingRefSchema } from '../evaluations/schema';
import { shownImageSchema } from '../images/schema';
import { policyRefSchema } from '../rounds/schema';

/** What the review pages and their routes say to each other. Times in ms. */

/** One defect of one policy, as each source saw it. */
const defectRateSchema = z.record(flagSourceSchema, proportionSchema);

/**
 * What the judge saw of one defect in a version's own round: its parent's images, and its own.
 * Null: it tells none alone.
 */
const againstParentSchema = z
  .object({ before: proportionSchema, after: proportionSchema })
  .nullable();

export const policyRatesSchema = z.object({
  policy: policyRefSchema.extend({ parentId: z.string().nullable() }),
  images: z.number().int(),
  hand: defectRateSchema,
  nsfw: defectRateSchema,
  /** Null for a version that no round has measured beside its parent. */
  againstParent: z.object({ hand: againstParentSchema, nsfw: againstParentSchema }).nullable(),
});

export type PolicyRates = z.infer<typeof policyRatesSchema>;

/**
 * What a judge was taken over from, if it was, and how it and people marked images of the newest
 * versions that both have seen (the judge is the first rater).
 */
const judgeViewSchema = z.object({
  parts: z.array(judgePartSchema.omit({ networks: true })),
  agreement: z.array(z.object({ kind: z.enum(countedKinds), marked: markedSchema })),
});

export type JudgeView = z.infer<typeof judgeViewSchema>;

export const ratesViewSchema = z.object({
  pipelines: z.array(z.string()),
  pipeline: z.string().nullable(),
  /**
   * What the judge of the pipeline looks for, as kinds of flag under the judge's own words; none:
   * nothing is judged.
   */
  judged: z.array(z.object({ kind: z.enum(countedKinds), label: z.string() })),
  /** How far to believe the judge; null where nothing is judged. */
  judge: judgeViewSchema.nullable(),
  /** A page of the versions, oldest first. */
  rates: z.array(policyRatesSchema),
  /** How versions were drawn when they were measured, and the one whose images are counted. */
  drawings: z.array(drawingRefSchema),
  drawing: z.string().nullable(),
  /** How many versions have drawn such images. */
  total: z.number().int(),
  /** Pass as `before` for those that came earlier; null where none did. */
  earlier: z.string().nullable(),
});

export type RatesView = z.infer<typeof ratesViewSchema>;

/**
 * Evaluation images are the same prompts and seeds for every version; the others change every
 * round.
 */
export const ratesQuerySchema = z.object({
  pipeline: z.string().max(1000).optional(),
  purpose: purposeSchema.or(z.literal('any')).default('evaluation'),
  drawing: drawingKeySchema.optional(),
});

export type RatesQuery = z.infer<typeof ratesQuerySchema>;

/** Which of the versions: the newest, or those that came before one. */
export const ratesPageQuerySchema = ratesQuerySchema.extend({
  before: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(100).optional(),
});

export type RatesPageQuery = z.infer<typeof ratesPageQuerySchema>;

export const flagViewSchema = z.object({
  id: z.string(),
  kind: flagKindSchema,
  source: flagSourceSchema,
  state: flagStateSchema,
});

export type FlagView = z.infer<typeof flagViewSchema>;

export const reviewedImageSchema = z.object({
  image: shownImageSchema,
  prompt: z.string(),
  seed: z.number().int(),
  flags: z.array(flagViewSchema),
});

export type ReviewedImage = z.infer<typeof reviewedImageSchema>;

/** `kind` 'any': every image of the policy, flagged or not. */
export const imagesQuerySchema = z.object({
  policy: z.string().min(1).max(64),
  kind: flagKindSchema.or(z.literal('any')).default('any'),
  source: flagSourceSchema.or(z.literal('any')).default('any'),
  purpose: purposeSchema.or(z.literal('any')).default('any'),
  /** Without one, however they were drawn. */
  drawing: drawingKeySchema.optional(),
  after: z.string().max(64).optional(),
});

export type ImagesQuery = z.infer<typeof imagesQuerySchema>;

export const imagesViewSchema = z.object({
  images: z.array(reviewedImageSchema),
  /** Pass as `after` to go on; null at the end. */
  next: z.string().nullable(),
});

export type ImagesView = z.infer<typeof imagesViewSchema>;

export const flagsQuerySchema = z.object({
  state: flagStateSchema.default('open'),
  kind: flagKindSchema.or(z.literal('any')).default('any'),
  source: flagSourceSchema.or(z.literal('any')).default('any'),
});

export type FlagsQuery = z.infer<typeof flagsQuerySchema>;

/** A flag waiting in the queue, with what it marks. */
export const queuedFlagSchema = flagViewSchema.extend({
  image: shownImageSchema,
  /** Where its thumbnail lies. */
  thumbnail: z.string(),
  prompt: z.string(),
  policy: policyRefSchema,
  annotator: z.string().nullable(),
  createdAt: z.number(),
});

export type QueuedFlag = z.infer<typeof queuedFlagSchema>;

export const flagsViewSchema = z.object({
  flags: z.array(queuedFlagSchema),
  /** How many flags there are in each state. */
  counts: z.record(flagStateSchema, z.number().int()),
});

export type FlagsView = z.infer<typeof flagsViewSchema>;

export const flagDecisionSchema = z.object({ state: flagStateSchema });

const intervalSchema = z.object({ rate: z.number(), low: z.number(), high: z.number() });

/** How often those who picked a side picked the left one. */
const sideSchema = z.object({
  left: z.number().int(),
  decided: z.number().int(),
  interval: intervalSchema.nullable(),
  biased: z.boolean(),
});

export const annotatorSchema = z.object({
  id: z.string(),
  name: z.string(),
  role: roleSchema,
  paused: z.boolean(),
  lastActiveAt: z.number().nullable(),
  answers: z.number().int(),
  agreement: proportionSchema,
  gold: proportionSchema,
  ties: proportionSchema,
  bothBad: proportionSchema,
  decisionMs: z
    .object({ median: z.number(), low: z.number(), high: z.number(), n: z.number().int() })
    .nullable(),
  /** Whether nobody could have looked in that time. */
  tooFast: z.boolean(),
  side: sideSchema,
  skipped: z.number().int(),
  undone: z.number().int(),
  flagged: z.number().int(),
});

export type AnnotatorView = z.infer<typeof annotatorSchema>;

export const annotatorsQuerySchema = z.object({
  after: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(100).optional(),
});

export type AnnotatorsQuery = z.infer<typeof annotatorsQuerySchema>;

export const annotatorsViewSchema = z.object({
  /** In the order they came, a page of them. */
  annotators: z.array(annotatorSchema),
  /** How many have judged. */
  total: z.number().int(),
  /** Pass as `after` to go on; null at the end. */
  next: z.string().nullable(),
  /** Whether anybody has judged a gold pair. */
  anyGold: z.boolean(),
  agreement: z.object({ raw: proportionSchema, alpha: z.number().nullable() }),
  /** Of all picks made here. */
  side: sideSchema,
});

export type AnnotatorsView = z.infer<typeof annotatorsViewSchema>;

export const annotatorActions = ['pause', 'resume'] as const;
