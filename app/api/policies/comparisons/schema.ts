import { z } from 'zod';
import { comparisonEnds } from '@/lib/answers';
import { drawingKeySchema } from '../../evaluations/schema';
import { policyRefSchema } from '../../rounds/schema';

/** What the board of ratings and its routes say to each other. */

const intervalSchema = z.object({ rate: z.number(), low: z.number(), high: z.number() });

const bothSchema = z.object({ one: policyRefSchema, other: policyRefSchema });

export const ratingsSchema = z.object({
  /** What rates 0: the base where it was compared, else the oldest that was. */
  anchor: policyRefSchema.nullable(),
  /** Best first. */
  versions: z.array(
    z.object({
      policy: policyRefSchema,
      /** Elo points above the anchor: 400 are odds of ten to one. */
      points: intervalSchema,
      /** Share of comparisons with the anchor that it would win, ties counting half. */
      won: intervalSchema,
      /** What the answers leave open. */
      ranks: z.object({ best: z.number().int(), worst: z.number().int() }),
      answers: z.number().int(),
    }),
  ),
  /** Share of picks that the left side wins between equals. */
  leftShare: intervalSchema.nullable(),
  answers: z.number().int(),
  /** What people are asked, and what they are asked no more since one version is better. */
  asked: z.array(
    bothSchema.extend({
      /** Pairs that wait, of all that were asked about. */
      open: z.number().int(),
      pairs: z.number().int(),
      untilSure: z.boolean(),
      ended: z.enum(comparisonEnds).nullable(),
    }),
  ),
  /** Versions that may be asked about, newest first; the base last. */
  candidates: z.array(policyRefSchema),
  /** Which two an answer would tell most about; null where there are no two. */
  next: bothSchema.nullable(),
});

export type Ratings = z.infer<typeof ratingsSchema>;

export const ratingsQuerySchema = z.object({
  pipeline: z.string().min(1).max(1000),
  drawing: drawingKeySchema.optional(),
});

const idSchema = z.string().min(1).max(64);

export const askSchema = z.object({
  one: idSchema,
  other: idSchema,
  drawing: drawingKeySchema,
  /** The most pairs of images. */
  pairs: z.number().int().min(1).max(200),
  /** Who are to answer each. */
  people: z.number().int().min(1).max(20),
  /** Whether to ask no more as soon as one is better beyond chance. */
  untilSure: z.boolean(),
});

export type Ask = z.infer<typeof askSchema>;

export const stopQuerySchema = z.object({ one: idSchema, other: idSchema });
