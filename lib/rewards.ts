import { z } from 'zod';
import { proportionSchema } from './statistics/proportion';

/** A reward that is a formula of the pixels: nothing to learn, nothing to import. */
export interface AnalyticReward {
  label: string;
  explanation: string;
}

/** The rewards that every installation has. */
export const analyticRewards = {
  symmetry: {
    label: 'Symmetry',
    explanation: 'Left like right: a matter of composition, settled in the first steps.',
  },
  brightness: {
    label: 'Brightness',
    explanation: 'Light pixels: the easiest there is, to see that a method works.',
  },
  compressibility: {
    label: 'JPEG compressibility',
    explanation:
      'Few kilobytes as a JPEG file: an estimate that has a gradient, or the true size for DDPO and DPOK.',
  },
  incompressibility: {
    label: 'JPEG incompressibility',
    explanation: 'Many kilobytes as a JPEG file, counted alike.',
  },
} as const satisfies Record<string, AnalyticReward>;

export type AnalyticRewardName = keyof typeof analyticRewards;

export function isAnalytic(model: string): model is AnalyticRewardName {
  return Object.hasOwn(analyticRewards, model);
}

/**
 * One reward of a run: the name of an analytic one or the id of a reward model, and how much it
 * counts.
 */
export const rewardTermSchema = z.strictObject({
  model: z.string().min(1).max(64),
  weight: z
    .number()
    .min(-1000, 'A weight lies between −1000 and 1000.')
    .max(1000, 'A weight lies between −1000 and 1000.')
    .refine((weight) => weight !== 0, 'A reward of weight 0 says nothing; remove it.')
    .default(1),
  /** A score beyond which it pulls no more, on the reward's own scale; null for none. */
  hinge: z.number().nullable().default(null),
  /** Whether it is standardized by what images of the starting policy score. */
  normalize: z.boolean().default(false),
});

export type RewardTerm = z.infer<typeof rewardTermSchema>;

/** A reward as it is, by itself. */
export function plainTerm(model: string): RewardTerm {
  return { model, weight: 1, hinge: null, normalize: false };
}

/** Where a reward model can come from. */
export const rewardSources = {
  picks: {
    label: 'Picks',
    explanation:
      'Which of two images people prefer: Bradley and Terry’s model, a tie counting half.',
  },
  flags: {
    label: 'Flags',
    explanation: 'How free of defects an image is, from the images that people flagged or tagged.',
  },
  imported: {
    label: 'Imported',
    explanation:
      'An ONNX model in a folder with a manifest: PickScore, HPSv2, ImageReward and the like.',
  },
} as const;

export const learnedSources = ['picks', 'flags'] as const;

export const learnedSourceSchema = z.enum(learnedSources);

/** What a reward model can be learned from. */
export type LearnedSource = z.infer<typeof learnedSourceSchema>;

export const rewardSourceSchema = z.enum([...learnedSources, 'imported']);

export type RewardSource = z.infer<typeof rewardSourceSchema>;

export const rewardModelStates = ['queued', 'training', 'ready', 'failed', 'cancelled'] as const;

/** Whether a trainer has it, or will. */
export function isBeingMade(state: RewardModelState): boolean {
  return state === 'queued' || state === 'training';
}

export const rewardModelStateSchema = z.enum(rewardModelStates);

export type RewardModelState = z.infer<typeof rewardModelStateSchema>;

/**
 * Of the held-out answers whose prediction falls into one bin: what was predicted and what people
 * said.
 */
export const calibrationBinSchema = z.object({
  /** Mean predicted probability. */
  predicted: z.number(),
  /** How often people said so. */
  observed: proportionSchema,
});

/** What a learned reward was made of, and how far to trust it. */
export const rewardReportSchema = z.object({
  /** Answers, or images, that it was trained on, and how many people gave them. */
  examples: z.number().int().nonnegative(),
  annotators: z.number().int().nonnegative(),
  ties: z.number().int().nonnegative(),
  /** Answers up to this instant, ms. */
  until: z.number().int(),
  /** Of the answers that prefer a side, each predicted by a model that has not seen it. */
  heldOut: proportionSchema,
  /**
   * How often a second person picked the same side; nothing to count where no pair was judged
   * twice.
   */
  ceiling: proportionSchema,
  calibration: z.array(calibrationBinSchema),
  warnings: z.array(z.string()),
});

export type RewardReport = z.infer<typeof rewardReportSchema>;

/** What a round's rewards gave when they were tried, before the first step. */
export const rewardTrialSchema = z.object({
  name: z.string(),
  /** Mean and standard deviation of those that are normalized, by the name the run gives them. */
  scales: z.record(z.string(), z.object({ mean: z.number(), std: z.number().positive() })),
  warnings: z.array(z.string()),
});

export type RewardTrial = z.infer<typeof rewardTrialSchema>;

/** What an imported model gave for images of the base policy, when it was imported. */
export const importReportSchema = z.object({
  /** Name, layout, version and a hash of its files. */
  name: z.string(),
  mean: z.number(),
  spread: z.number(),
  warnings: z.array(z.string()),
});

export type ImportReport = z.infer<typeof importReportSchema>;

/** Fewer decided answers than this are refused: five folds of four say nothing. */
const leastDecided = 20;

/** Below this a learned reward is warned of. */
export const fewDecided = 200;

/** "Picks 3". */
export function rewardModelName({
  source,
  version,
}: {
  source: RewardSource;
  version: number;
}): string {
  return `${rewardSources[source].label} ${version}`;
}

/**
 * Why nothing can be learned from these labels, with the remedy; null where something can. 1: the
 * first image (or a good one), 0: the second (or a bad one), ½: neither, by ties or because people
 * contradict each other.
 */
export function labelsProblem(source: LearnedSource, labels: readonly number[]): string | null {
  const decided = labels.filter((label) => label !== 0.5);
  return materialProblem(source, {
    decided: decided.length,
    silent: labels.length - decided.length,
    good: decided.filter((label) => label > 0.5).length,
  });
}

/**
 * The same of labels that were counted: those that say something, of these the good ones, and those
 * that do not.
 */
export function materialProblem(
  source: LearnedSource,
  { decided, silent, good }: { decided: number; silent: number; good: number },
): string | null {
  const what = source === 'picks' ? 'answers that prefer a side' : 'judged images';
  if (decided < leastDecided) {
    const others = silent === 0 ? '' : ` ${silent} more are ties, or contradict each other.`;
    return `There are ${decided} ${what}, and a reward model needs at least ${leastDecided}.${others} Label more, then train it.`;
  }
  if (source === 'flags' && (good === 0 || good === decided)) {
    return `All ${decided} judged images are ${good === 0 ? 'bad' : 'good'}, so there is nothing to tell apart. Label more, then train it.`;
  }
  return null;
}
