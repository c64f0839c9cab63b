import { z } from 'zod';
import { evaluationSummarySchema } from '@/lib/metrics';
import { frameSchema } from '../images/schema';
import { policyRefSchema } from '../rounds/schema';

/** What the pages of policies and their routes say to each other. Times in ms. */

/** A version of a pipeline, as the tree shows it. */
export const policyNodeSchema = policyRefSchema.extend({
  parentId: z.string().nullable(),
  pipeline: z.string(),
  /** Without an adapter: what all others of its pipeline come from. */
  isBase: z.boolean(),
  serving: z.boolean(),
  /** The round that trained it. */
  round: z.object({ id: z.string(), ordinal: z.number().int(), runName: z.string() }).nullable(),
  measured: evaluationSummarySchema.nullable(),
  createdAt: z.number(),
});

export type PolicyNode = z.infer<typeof policyNodeSchema>;

export const servingSchema = z.object({
  policy: policyRefSchema,
  setAt: z.number(),
  /** Null: a run's rule did it. */
  setBy: z.string().nullable(),
});

export type Serving = z.infer<typeof servingSchema>;

export const policiesViewSchema = z.object({
  pipelines: z.array(z.string()),
  pipeline: z.string().nullable(),
  policies: z.array(policyNodeSchema),
  serving: servingSchema.nullable(),
});

export type PoliciesView = z.infer<typeof policiesViewSchema>;

export const policiesQuerySchema = z.object({ pipeline: z.string().max(1000).optional() });

/** Fixed prompts and seeds down, versions across. */
export const gridSchema = z.object({
  policies: z.array(policyRefSchema.extend({ parentId: z.string().nullable() })),
  frames: z.array(frameSchema),
  /** Pass as `offset` to go on; null at the end. */
  next: z.number().int().nullable(),
});

export type PolicyGrid = z.infer<typeof gridSchema>;

export const gridQuerySchema = z.object({
  pipeline: z.string().min(1).max(1000),
  offset: z.coerce.number().int().min(0).max(1_000_000).default(0),
});

export const policyDetailSchema = z.object({
  policy: policyNodeSchema,
  /** From the base to the parent. */
  ancestors: z.array(policyRefSchema),
  children: z.array(policyRefSchema),
  hash: z.string(),
  adapter: z.object({ sha256: z.string(), bytes: z.number().int() }).nullable(),
  manifest: z.record(z.string(), z.unknown()),
  parentMeasured: evaluationSummarySchema.nullable(),
  /** The parent's images and this policy's on the same seeds; of a base policy its own alone. */
  frames: z.array(frameSchema),
});

export type PolicyDetail = z.infer<typeof policyDetailSchema>;
