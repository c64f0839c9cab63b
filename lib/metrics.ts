import { z } from 'zod';
import { alarmSchema } from './judges/alarms';
import { changeSchema } from './statistics/paired-change';
import { proportionSchema, winRecordSchema } from './statistics/proportion';

/**
 * What a training step logs; a method logs what it has. Log-ratios and KL are means over latent
 * dimensions, the scale of D3PO's beta and clip range. An excess is the mean squared error of the
 * policy's prediction less the reference policy's: below 0 the policy denoises better.
 */
export const trainMetricsSchema = z.object({
  loss: z.number(),
  /** Mean over the images drawn. */
  reward: z.number().optional(),
  /** Standard deviation over the images drawn. */
  rewardSpread: z.number().optional(),
  /** Means of the terms, by name, where a reward has several. */
  rewardParts: z.record(z.string(), z.number()).optional(),
  /** Mean squared error of what a value network expected. */
  valueLoss: z.number().optional(),
  /** Share of pairs whose winner became likelier than the loser, in [0, 1]. */
  implicitAccuracy: z.number().optional(),
  logRatioWinner: z.number().optional(),
  logRatioLoser: z.number().optional(),
  /** FDFO's ρ, 1 at first: above, the prediction has moved along the pair's difference. */
  ratioWinner: z.number().optional(),
  ratioLoser: z.number().optional(),
  /** Share of log-ratios outside the clip range, in [0, 1]. */
  clipFraction: z.number().optional(),
  excessWinner: z.number().optional(),
  excessLoser: z.number().optional(),
  excessGood: z.number().optional(),
  excessBad: z.number().optional(),
  /** Of images that won more, and less, than half of their comparisons. */
  excessAbove: z.number().optional(),
  excessBelow: z.number().optional(),
  /** Root mean square of the policy's prediction over that of its reference's. */
  normRatio: z.number().optional(),
  /** KTO's κ, on the scale of its loss. */
  baseline: z.number().optional(),
  kl: z.number().optional(),
  /** Global L2 norm before clipping. */
  gradNorm: z.number().optional(),
  stepsPerSecond: z.number().optional(),
  /** Resident memory of the engine, MiB. */
  rssMb: z.number().optional(),
});

export type TrainMetrics = z.infer<typeof trainMetricsSchema>;

/** So many evaluation images are kept with their rewards, and shown in pairs. */
export const pairedImages = 24;

/**
 * One policy on the fixed evaluation prompts and seeds. Without a judge nobody says `judge`, and
 * nothing is judged. `alignment` is the mean share of prompt attributes met; `winRate` compares
 * with another policy on the same seeds; `diversity` is the mean perceptual distance of all pairs
 * of images of one prompt, averaged over prompts.
 */
export const evaluationSummarySchema = z.object({
  images: z.number().int().nonnegative(),
  judge: z.string().optional(),
  /** Images with each defect, by the ids that the judge declares; empty where nothing is judged. */
  defects: z.record(z.string(), proportionSchema),
  alignment: z.number().nullable(),
  winRate: winRecordSchema.nullable(),
  /** The same against the policy that was served then, where that is yet another one. */
  served: z.object({ policyId: z.string(), winRate: winRecordSchema }).optional(),
  diversity: z.number().nullable(),
  /** Of methods that follow a reward: how it changed, and what fell meanwhile. */
  reward: changeSchema.extend({ name: z.string() }).optional(),
  alarms: z.array(alarmSchema).optional(),
  /**
   * Rewards, by sample, of the first images of the policies compared: after, before, and the base.
   */
  rewards: z.record(z.string(), z.number()).optional(),
});

export type EvaluationSummary = z.infer<typeof evaluationSummarySchema>;
