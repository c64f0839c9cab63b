import { z } from 'zod';
import { alarmSchema } from './judges/alarms';
import { changeSchema } from './statistics/paired-change';
import { proportionSchema, winRecordSchema } from './statistics/proportion';

/**
 * What a training step logs. Log-ratios and KL are means over latent dimensions (the scale of
 * D3PO's beta and clip range); `implicitAccuracy` and `clipFraction` lie in [0, 1]; memory in MiB.
 * A method logs what it has: picks give log-ratios; a reward gives its mean, and its terms' where
 * it has several, drawn images its standard deviation too, a value network the mean squared error
 * of what it expected; finished images give excesses: the mean squared error of the policy's
 * prediction less the reference policy's, below zero where the policy denoises better. `baseline`
 * is KTO's κ, on the scale of its loss.
 */
export const trainMetricsSchema = z.object({
  loss: z.number(),
  reward: z.number().optional(),
  rewardSpread: z.number().optional(),
  rewardParts: z.record(z.string(), z.number()).optional(),
  valueLoss: z.number().optional(),
  implicitAccuracy: z.number().optional(),
  logRatioWinner: z.number().optional(),
  logRatioLoser: z.number().optional(),
  clipFraction: z.number().optional(),
  excessWinner: z.number().optional(),
  excessLoser: z.number().optional(),
  excessGood: z.number().optional(),
  excessBad: z.number().optional(),
  baseline: z.number().optional(),
  kl: z.number().optional(),
  gradNorm: z.number().optional(),
  stepsPerSecond: z.number().optional(),
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
