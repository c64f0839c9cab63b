import { z } from 'zod';
import {
  importReportSchema,
  learnedSourceSchema,
  rewardModelStateSchema,
  rewardReportSchema,
  rewardSourceSchema,
} from '@/lib/rewards';

/** What the page of reward models and its routes say to each other. Times in ms. */

export const rewardModelViewSchema = z.object({
  id: z.string(),
  /** "Picks 3". */
  name: z.string(),
  source: rewardSourceSchema,
  state: rewardModelStateSchema,
  report: rewardReportSchema.nullable(),
  imported: importReportSchema.nullable(),
  folder: z.string().nullable(),
  error: z.string().nullable(),
  createdBy: z.string().nullable(),
  createdAt: z.number(),
});

export type RewardModelView = z.infer<typeof rewardModelViewSchema>;

/** What there is to learn from at present. */
export const materialSchema = z.object({
  source: learnedSourceSchema,
  /** Answers, or images, that say something. */
  decided: z.number().int(),
  annotators: z.number().int(),
  /** Why nothing can be learned from it yet; null where something can. */
  problem: z.string().nullable(),
});

export type Material = z.infer<typeof materialSchema>;

export const rewardsViewSchema = z.object({
  pipelines: z.array(z.string()),
  pipeline: z.string().nullable(),
  models: z.array(rewardModelViewSchema),
  material: z.array(materialSchema),
});

export type RewardsView = z.infer<typeof rewardsViewSchema>;

export const rewardsQuerySchema = z.object({ pipeline: z.string().max(1000).optional() });

export const trainRewardSchema = z.strictObject({
  pipeline: z.string().min(1).max(1000),
  source: learnedSourceSchema,
});

export const importRewardSchema = z.strictObject({
  pipeline: z.string().min(1).max(1000),
  folder: z.string().trim().min(1, 'Give the folder of the model.').max(1000),
});

export const trainedRewardSchema = z.object({ id: z.string() });
