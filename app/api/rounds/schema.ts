import { z } from 'zod';
import { answerSchema } from '@/lib/answers';
import { methodSchema } from '@/lib/methods';
import { trainMetricsSchema } from '@/lib/metrics';
import { rewardTrialSchema } from '@/lib/rewards';
import { roundProgressSchema, roundStateSchema } from '@/lib/rounds';
import { runModeSchema, runStatusSchema } from '@/lib/runs';
import { runConfigSchema } from '@/lib/settings/run-config';
import { archiveDataSchema } from '@/lib/training/archive';
import { measureRefSchema, shownEvaluationSchema } from '../evaluations/schema';
import { frameSchema, shownImageSchema } from '../images/schema';

/**
 * What the pages of rounds and their routes say to each other. Times in ms unless the name says
 * otherwise.
 */

export const policyRefSchema = z.object({ id: z.string(), name: z.string() });

export type PolicyRef = z.infer<typeof policyRefSchema>;

/** A round as a list shows it. `held`: it, or its run, is paused. */
export const roundSummarySchema = z.object({
  id: z.string(),
  ordinal: z.number().int(),
  state: roundStateSchema,
  held: z.boolean(),
  error: z.string().nullable(),
  run: z.object({
    id: z.string(),
    name: z.string(),
    mode: runModeSchema,
    method: methodSchema,
    pipeline: z.string(),
    status: runStatusSchema,
    startedBy: z.string().nullable(),
  }),
  startPolicy: policyRefSchema,
  resultPolicy: policyRefSchema.nullable(),
  progress: roundProgressSchema,
  /** How many rounds the trainer does before it; null where it waits for no trainer. */
  ahead: z.number().int().nullable(),
  /** What was measured of the new policy. */
  result: shownEvaluationSchema.nullable(),
  createdAt: z.number(),
  finishedAt: z.number().nullable(),
});

export type RoundSummary = z.infer<typeof roundSummarySchema>;

export const trainerSchema = z.object({
  /** A trainer was heard of within the last 30 s. */
  alive: z.boolean(),
  device: z.string().nullable(),
  host: z.string().nullable(),
});

export type TrainerState = z.infer<typeof trainerSchema>;

export const roundsQuerySchema = z.object({
  /** The last round seen of those that are over. */
  after: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(100).optional(),
});

export type RoundsQuery = z.infer<typeof roundsQuerySchema>;

export const roundsViewSchema = z.object({
  underWay: z.array(roundSummarySchema),
  /** Newest first, a page of them. */
  over: z.array(roundSummarySchema),
  overTotal: z.number().int(),
  /** Of each pipeline's judge the defect that it declares first: what a list has room for. */
  headlines: z.array(measureRefSchema),
  /** Pass as `after` to go on; null at the end. */
  next: z.string().nullable(),
  trainer: trainerSchema,
});

export type RoundsView = z.infer<typeof roundsViewSchema>;

/**
 * Where answers went when a round's labeling ended, or when it opened on what is there; see
 * `TrainingData` in db/.
 */
export const trainingDataSchema = z.object({
  answers: z.number().int(),
  used: z.number().int(),
  tooYoung: z.number().int(),
  heldBack: z.number().int(),
  undecided: z.number().int(),
  trainingPairs: z.number().int(),
  until: z.number(),
  archive: archiveDataSchema.optional(),
});

export type TrainingDataView = z.infer<typeof trainingDataSchema>;

export const configDifferenceSchema = z.object({
  path: z.string(),
  label: z.string(),
  before: z.string(),
  after: z.string(),
});

export const trainingPairSchema = z.object({
  ordinal: z.number().int(),
  prompt: z.string(),
  weight: z.number(),
  /** How likely the label is held to be wrong; 0 where labels are not doubted. */
  smoothing: z.number(),
  winner: shownImageSchema,
  loser: shownImageSchema,
});

export type TrainingPairView = z.infer<typeof trainingPairSchema>;

/** An image trained on by itself. */
export const trainingLabelSchema = z.object({
  ordinal: z.number().int(),
  prompt: z.string(),
  good: z.boolean(),
  image: shownImageSchema,
});

export type TrainingLabelView = z.infer<typeof trainingLabelSchema>;

export const roundDetailSchema = z.object({
  round: roundSummarySchema,
  trainer: trainerSchema,
  config: runConfigSchema,
  comparedWith: z.string(),
  differences: z.array(configDifferenceSchema),
  /** Of methods that follow a reward, once they train. */
  rewardTrial: rewardTrialSchema.nullable(),
  manifest: z.record(z.string(), z.unknown()).nullable(),
  answers: z.object({
    byAnswer: z.record(answerSchema, z.number().int()),
    /** Of those who are paused now. */
    heldBack: z.array(z.object({ name: z.string(), answers: z.number().int() })),
    annotators: z.number().int(),
    /** Answers a minute of late; null when too few to tell. */
    perMinute: z.number().nullable(),
  }),
  trainingData: trainingDataSchema.nullable(),
  /** The first of them, in the order of training. */
  trainingPairs: z.array(trainingPairSchema),
  trainingLabels: z.array(trainingLabelSchema),
  before: shownEvaluationSchema.nullable(),
  after: shownEvaluationSchema.nullable(),
  /** Images of the policy before and after, on the same seeds. */
  frames: z.array(frameSchema),
  /**
   * Where the round followed a reward from a trained policy: the base, and its images beside those
   * of the policy after.
   */
  base: policyRefSchema.extend({ frames: z.array(frameSchema) }).nullable(),
});

export type RoundDetail = z.infer<typeof roundDetailSchema>;

/** One point of a curve; `timestep` null: the mean over the step's timesteps. */
export const trainStepSchema = z.object({
  step: z.number().int(),
  timestep: z.number().int().nullable(),
  metrics: trainMetricsSchema,
});

export type TrainStepView = z.infer<typeof trainStepSchema>;

/** The mean of each metric over a round's steps at one timestep. */
export const timestepMeanSchema = z.object({
  timestep: z.number().int(),
  steps: z.number().int(),
  metrics: trainMetricsSchema,
});

export const stepsViewSchema = z.object({
  steps: z.array(trainStepSchema),
  byTimestep: z.array(timestepMeanSchema),
  /** Of a run: where its rounds begin among the steps, which go on counting. */
  starts: z.array(z.object({ ordinal: z.number().int(), x: z.number().int() })).optional(),
});

export const stepsQuerySchema = z.object({ of: z.enum(['round', 'run']).default('round') });

export type StepsView = z.infer<typeof stepsViewSchema>;

export const roundActions = ['pause', 'resume', 'cancel', 'retry', 'close-labeling'] as const;

export type RoundAction = (typeof roundActions)[number];
