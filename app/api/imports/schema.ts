import { z } from 'zod';
import { answerSchema } from '@/lib/answers';
import { importFormatSchema } from '@/lib/exchange/import-formats';
import { shownImageSchema } from '../images/schema';

/** What the pages of imported answers and their routes say to each other. Times in ms. */

const importSummarySchema = z.object({
  id: z.string(),
  pipeline: z.string(),
  /** What the file was called. */
  source: z.string(),
  format: importFormatSchema.nullable(),
  /** Answers in the file, and those of them that came in with it. */
  offered: z.number().int(),
  answers: z.number().int(),
  images: z.number().int(),
  people: z.number().int(),
  createdAt: z.number(),
  /** Null: under way, or stopped. */
  finishedAt: z.number().nullable(),
  policy: z.object({ id: z.string(), name: z.string() }),
});

export type ImportSummary = z.infer<typeof importSummarySchema>;

export const importsQuerySchema = z.object({
  /** The last import seen. */
  after: z.string().max(64).optional(),
});

export type ImportsQuery = z.infer<typeof importsQuerySchema>;

export const importsViewSchema = z.object({
  /** Newest first, a page of them. */
  imports: z.array(importSummarySchema),
  total: z.number().int(),
  /** Pass as `after` to go on; null at the end. */
  next: z.string().nullable(),
});

export type ImportsView = z.infer<typeof importsViewSchema>;

export const importItemsQuerySchema = z.object({
  /** The kind and id of the last item seen. */
  after: z
    .string()
    .regex(/^(pair|group) .{1,64}$/)
    .optional(),
});

export type ImportItemsQuery = z.infer<typeof importItemsQuerySchema>;

const importItemSchema = z.object({
  kind: z.enum(['pair', 'group']),
  id: z.string(),
  prompt: z.string(),
  /** `votes`: people who preferred it, of a pair; who called it bad, of a group. */
  images: z.array(z.object({ image: shownImageSchema, votes: z.number().int() })),
  ties: z.number().int(),
  bothBad: z.number().int(),
  people: z.number().int(),
});

export type ImportItem = z.infer<typeof importItemSchema>;

export const importItemsViewSchema = z.object({
  items: z.array(importItemSchema),
  next: z.string().nullable(),
});

export type ImportItemsView = z.infer<typeof importItemsViewSchema>;

export const importDetailSchema = z.object({
  import: importSummarySchema,
  counts: z.object({
    byAnswer: z.record(answerSchema, z.number().int()),
    taggings: z.number().int(),
    /** Of both, by annotators who are paused. */
    heldBack: z.number().int(),
    /** Pairs and groups that they are about. */
    items: z.number().int(),
  }),
});

export type ImportDetail = z.infer<typeof importDetailSchema>;
