import { z } from 'zod';
import { adapterNamings } from '@/lib/exchange/adapter-file';
import { moduleNamings } from '@/lib/exchange/module-names';
import { foundPipelineSchema } from '@/lib/pipeline-imports';
import {
  drawingKeySchema,
  drawingRefSchema,
  measureRefSchema,
  shownEvaluationSchema,
} from '../evaluations/schema';
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
  measured: shownEvaluationSchema.nullable(),
  createdAt: z.number(),
});

export type PolicyNode = z.infer<typeof policyNodeSchema>;

export const servingSchema = z.object({
  policy: policyRefSchema,
  /** What it was trained from; null for a base policy. */
  parent: policyRefSchema.nullable(),
  setAt: z.number(),
  /** Null: a run's rule did it. */
  setBy: z.string().nullable(),
});

export const policiesViewSchema = z.object({
  pipelines: z.array(z.string()),
  pipeline: z.string().nullable(),
  /**
   * A page of the versions, oldest first; before those of the first page stand the bases, wherever
   * they belong.
   */
  policies: z.array(policyNodeSchema),
  /** How many versions there are in all. */
  total: z.number().int(),
  /** Pass as `before` for those that came earlier; null where none did. */
  earlier: z.string().nullable(),
  serving: servingSchema.nullable(),
  /** Whose rates the judge of the pipeline measures; none: nothing is judged. */
  defects: z.array(measureRefSchema),
  /** How versions were drawn when they were measured, and the one that is shown. */
  drawings: z.array(drawingRefSchema),
  drawing: z.string().nullable(),
});

export type PoliciesView = z.infer<typeof policiesViewSchema>;

export const policiesQuerySchema = z.object({
  pipeline: z.string().max(1000).optional(),
  drawing: drawingKeySchema.optional(),
  before: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(100).optional(),
});

export type PoliciesQuery = z.infer<typeof policiesQuerySchema>;

/** In whose names an adapter is downloaded. */
export const adapterQuerySchema = z.object({ names: z.enum(adapterNamings).default('diffusers') });

/** Fixed prompts and seeds down, versions across. */
export const gridSchema = z.object({
  policies: z.array(policyRefSchema.extend({ parentId: z.string().nullable() })),
  /** What the judge looks for, as it stands within a sentence. */
  lookedFor: z.array(z.string()),
  frames: z.array(frameSchema),
  /** Pass as `offset` to go on; null at the end. */
  next: z.number().int().nullable(),
});

export type PolicyGrid = z.infer<typeof gridSchema>;

export const gridQuerySchema = z.object({
  pipeline: z.string().min(1).max(1000),
  drawing: drawingKeySchema.optional(),
  offset: z.coerce.number().int().min(0).max(1_000_000).default(0),
});

export const policyDetailSchema = z.object({
  policy: policyNodeSchema,
  /** From the base to the parent; of many the base and the last ones. */
  ancestors: z.array(policyRefSchema),
  /** How many stand between the base and the others. */
  ancestorsBetween: z.number().int(),
  /** The newest of them, oldest first, and how many there are. */
  children: z.array(policyRefSchema),
  childrenTotal: z.number().int(),
  /** What is served for its pipeline. */
  serving: policyRefSchema.nullable(),
  hash: z.string(),
  adapter: z
    .object({
      bytes: z.number().int(),
      /** Whose names its modules have; `whole`: all weights of the model, no adapter. */
      names: z.enum([...moduleNamings, 'whole']),
    })
    .nullable(),
  manifest: z.record(z.string(), z.unknown()),
  /** Of an imported base policy: what was found, and the image that it drew. */
  found: foundPipelineSchema.nullable(),
  foundImage: z.string().nullable(),
  parentMeasured: shownEvaluationSchema.nullable(),
  /** The parent's images and this policy's on the same seeds; of a base policy its own alone. */
  frames: z.array(frameSchema),
});

export type PolicyDetail = z.infer<typeof policyDetailSchema>;
