import { z } from 'zod';
import { AppError } from '../errors';
import { promptCharactersMax, promptsMax } from '../exchange/prompt-list';
import { type DrawingMethod, isDrawingMethod, type Method, trainsBy } from '../methods';
import { plainTerm, type RewardTerm, rewardTermSchema } from '../rewards';
import { type GroupName, settingGroups } from './groups';
import { type Preset, settingsOf } from './presets';
import { defaultsOf, type SettingGroup, schemaOf } from './setting';

const defaultReward = plainTerm('symmetry');

const promptSchema = z
  .string()
  .trim()
  .min(1, 'A prompt may not be empty.')
  .max(promptCharactersMax);

const leftOut = <Group extends SettingGroup>(group: Group) => schemaOf(group).prefault({});

const groupSchemas = Object.fromEntries(
  Object.entries(settingGroups).map(([name, group]) => [name, leftOut(group)]),
) as { [G in GroupName]: ReturnType<typeof leftOut<(typeof settingGroups)[G]>> };

/**
 * The configuration of a run and of each of its rounds. Prompts are drawn from in order of a seeded
 * shuffle; evaluation prompts and seeds are never trained on. Missing settings take their default.
 */
export const runConfigSchema = z.strictObject({
  prompts: z.array(promptSchema).min(1, 'A run needs at least one prompt.').max(promptsMax),
  evaluationPrompts: z
    .array(promptSchema)
    .min(1, 'A run needs at least one evaluation prompt.')
    .max(promptsMax),
  seed: z.number().int().min(0).max(2_147_483_647).default(0),
  ...groupSchemas,
  /** What images are scored by, where the method follows a reward: the weighted sum of these. */
  rewards: z
    .array(rewardTermSchema)
    .min(1, 'A run needs at least one reward.')
    .max(8, 'At most eight rewards.')
    .refine((terms) => new Set(terms.map(({ model }) => model)).size === terms.length, {
      error: 'A reward stands there twice; give it one weight.',
    })
    .default([defaultReward]),
});

export type RunConfig = z.infer<typeof runConfigSchema>;

/** What a caller may leave out is left out: defaults fill it in. */
export type RunConfigInput = z.input<typeof runConfigSchema>;

/** Parses a run configuration; throws 'bad-request' that names each offending setting. */
export function parseRunConfig(input: unknown): RunConfig {
  const parsed = runConfigSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    (issue) => `${issue.path.join('.') || 'configuration'}: ${issue.message}`,
  );
  throw new AppError('bad-request', `The run cannot be configured so. ${problems.join('; ')}`);
}

/**
 * A configuration stored by an earlier version: settings that came since take their default, those
 * that went are left out.
 */
export function completeConfig(stored: RunConfig): RunConfig {
  const groups = Object.entries(settingGroups).map(([name, group]) => [
    name,
    {
      ...defaultsOf(group),
      ...Object.fromEntries(
        Object.entries({ ...formerSettings(stored)[name], ...stored[name as GroupName] }).filter(
          ([key]) => key in group,
        ),
      ),
    },
  ]);
  const { rewards = [formerReward(stored)] } = stored as Partial<RunConfig>;
  const { serving, ...others }: Pick<RunConfig, 'serving'> = Object.fromEntries(groups);
  // Before a rule asked for better, it served what was not worse.
  const rule = (serving.rule as string) === 'not-worse' ? 'better' : serving.rule;
  return { ...stored, ...others, serving: { ...serving, rule }, rewards };
}

/** What settings that went mean in those that took their place. */
function formerSettings({ d3po }: Partial<RunConfig>): Record<string, Partial<RunConfig['d3po']>> {
  // Before there were several forms, D3PO's clip was on or off.
  const { clip } = (d3po ?? {}) as { clip?: boolean };
  return clip === false ? { d3po: { clipForm: 'none' } } : {};
}

/** Before rewards were a list, there was one, named in the group. */
function formerReward({ reward }: Partial<RunConfig>): RewardTerm {
  const { model } = (reward ?? {}) as { model?: string };
  return model ? plainTerm(model) : defaultReward;
}

/** A run configuration from a preset. */
export function presetConfig(
  preset: Preset,
  rest: Pick<RunConfig, 'prompts' | 'evaluationPrompts'> &
    Partial<Pick<RunConfig, 'seed' | 'rewards'>>,
): RunConfig {
  return { seed: 0, rewards: [defaultReward], ...rest, ...settingsOf(preset) };
}

/** Images a round draws: two per pair, or its groups' images. */
export function samplesWanted({ sampling }: RunConfig): number {
  return sampling.pairSource === 'pairs'
    ? 2 * sampling.pairsPerRound
    : sampling.groupSize * sampling.groupsPerRound;
}

/** Answers a round waits for: one per pair, or per group, and annotator. */
export function preferencesWanted({ sampling, labeling }: RunConfig): number {
  const items = sampling.pairSource === 'pairs' ? sampling.pairsPerRound : sampling.groupsPerRound;
  return items * labeling.annotatorsPerPair;
}

/**
 * How many denoising steps may be trained on, from the noisiest on, and how many of them are for
 * each example.
 * @param moving steps that lead to less noise; a schedule may end in one that does not
 */
export function trainedTimesteps(
  {
    training: { noisiestShare, timestepFraction },
    sampling: { inferenceSteps },
  }: {
    training: Pick<RunConfig['training'], 'noisiestShare' | 'timestepFraction'>;
    sampling: Pick<RunConfig['sampling'], 'inferenceSteps'>;
  },
  moving = inferenceSteps,
): [eligible: number, trained: number] {
  const share = Math.max(1, Math.floor(inferenceSteps * noisiestShare));
  const eligible = Math.min(share, moving);
  return [eligible, Math.max(1, Math.floor(eligible * timestepFraction))];
}

/**
 * What a method draws at once, and how many optimizer steps it takes on that: SPO on the pairs of
 * the same images.
 */
export function drawOf(
  method: DrawingMethod,
  config: Pick<RunConfig, DrawingMethod | 'reward' | 'training'>,
): { imagesPerDraw: number; stepsPerDraw: number } {
  const { updatesPerDraw } = config[method];
  return {
    imagesPerDraw:
      config.reward.imagesPerStep * (trainsBy(method, 'step-pairs') ? 1 : updatesPerDraw),
    stepsPerDraw: updatesPerDraw * config.training.innerEpochs,
  };
}

/** Images that a round of a method that follows a reward draws and scores. */
export function imagesScored(method: Method, config: RunConfig): number {
  const { optimiserSteps, imagesPerStep } = config.reward;
  if (!isDrawingMethod(method)) return optimiserSteps * imagesPerStep;
  const { imagesPerDraw, stepsPerDraw } = drawOf(method, config);
  return Math.floor(optimiserSteps / stepsPerDraw) * imagesPerDraw;
}
