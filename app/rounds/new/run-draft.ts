import { z } from 'zod';
import { asksPeople, type Method, methodSchema, sourceOf } from '@/lib/methods';
import { type RunMode, runModeSchema } from '@/lib/runs';
import { type GroupName, settingGroups } from '@/lib/settings/groups';
import { type KnownSizes, sizeProblem } from '@/lib/settings/image-sizes';
import { methodProblems } from '@/lib/settings/method-fit';
import { type Preset, type Presets, presetFor, settingsOf } from '@/lib/settings/presets';
import { runConfigSchema } from '@/lib/settings/run-config';
import { rangeText, type Setting } from '@/lib/settings/setting';
import { type StartRun, startRunSchema } from '../../api/runs/schema';

/** What a person has typed: numbers stay text until they are whole. */
export type Typed = string | boolean;

/** A reward of a run, its numbers as text; an empty hinge is none. */
export interface TypedReward {
  model: string;
  weight: string;
  hinge: string;
  normalize: boolean;
}

/** A reward by itself. */
export function typedReward(model: string): TypedReward {
  return { model, weight: '1', hinge: '', normalize: false };
}

/** A run as it stands in the form. `startPolicyId` empty: from the policy served. */
export interface RunDraft {
  name: string;
  mode: RunMode;
  method: Method;
  pipeline: string;
  startPolicyId: string;
  /** The name of one of the pipeline's presets. */
  preset: string;
  /** One prompt a line. */
  prompts: string;
  evaluationPrompts: string;
  seed: string;
  rewards: TypedReward[];
  settings: Record<GroupName, Record<string, Typed>>;
}

/** What is wrong with a draft, by the path in the request: `config.training.learningRate`. */
export type Problems = Readonly<Record<string, string>>;

const groupNames = Object.keys(settingGroups) as GroupName[];

/** Every setting as a preset has it, as text. */
export function typedSettings(preset: Preset): RunDraft['settings'] {
  const values = settingsOf(preset);
  return Object.fromEntries(
    groupNames.map((group) => [
      group,
      Object.fromEntries(
        Object.entries(values[group]).map(([key, value]) => [
          key,
          typeof value === 'number' ? String(value) : value,
        ]),
      ),
    ]),
  ) as RunDraft['settings'];
}

/**
 * The draft with another method, and so perhaps another preset; what somebody has typed stays.
 * @param presets those of the draft's pipeline
 */
export function withMethod(draft: RunDraft, method: Method, presets: Presets): RunDraft {
  const preset = presetFor(method, draft.preset, presets);
  // Without people to wait for, rounds would follow each other without end.
  const mode = asksPeople(method) ? draft.mode : 'single';
  if (preset === draft.preset) return { ...draft, method, mode };
  const before = typedSettings(presets[draft.preset]!);
  const settings = typedSettings(presets[preset]!);
  for (const group of groupNames) {
    for (const [key, value] of Object.entries(draft.settings[group])) {
      if (value !== before[group][key]) settings[group][key] = value;
    }
  }
  return { ...draft, method, mode, preset, settings };
}

/** The lines of a text that hold something. */
export function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
}

/** A policy that a run is to start from, and what its weights are; of a base there are none. */
export interface StartingPolicy {
  id: string;
  trained: { trainables: string; loraRank: number; loraAlpha: number } | undefined;
}

/** A run goes on with the weights that there are: of that kind and rank. */
export function startingFrom(draft: RunDraft, { id, trained }: StartingPolicy): RunDraft {
  const training = {
    ...draft.settings.training,
    ...(trained && {
      trainables: trained.trainables,
      loraRank: String(trained.loraRank),
      loraAlpha: String(trained.loraAlpha),
    }),
  };
  return { ...draft, startPolicyId: id, settings: { ...draft.settings, training } };
}

const keptSchema = z.object({
  name: z.string(),
  mode: runModeSchema,
  method: methodSchema,
  pipeline: z.string(),
  startPolicyId: z.string(),
  preset: z.string(),
  prompts: z.string(),
  evaluationPrompts: z.string(),
  seed: z.string(),
  rewards: z.array(
    z.object({
      model: z.string(),
      weight: z.string(),
      hinge: z.string(),
      normalize: z.boolean(),
    }),
  ),
  settings: z.record(z.string(), z.record(z.string(), z.union([z.string(), z.boolean()]))),
});

/**
 * A draft that a browser has kept, or null where it fits no more: settings that came since stand as
 * its preset has them. @param presetsOf those of a pipeline, if that is still there
 */
export function keptDraft(
  text: string | null,
  presetsOf: (pipeline: string) => Presets | undefined,
): RunDraft | null {
  if (text === null) return null;
  try {
    const { settings, ...kept } = keptSchema.parse(JSON.parse(text));
    const preset = presetsOf(kept.pipeline)?.[kept.preset];
    if (!preset) return null;
    const whole = typedSettings(preset);
    for (const group of groupNames) {
      for (const key of Object.keys(whole[group])) {
        const value = settings[group]?.[key];
        if (typeof value === typeof whole[group][key]) whole[group][key] = value!;
      }
    }
    return { ...kept, settings: whole };
  } catch {
    return null;
  }
}

function untyped(setting: Setting, value: Typed | undefined): unknown {
  return setting.type === 'number' ? numberOf(value) : value;
}

/** NaN for whatever is no number, so that the schema refuses it; an empty field is no zero. */
function numberOf(value: Typed | undefined): number {
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
}

function requestOf(draft: RunDraft) {
  const settings = groupNames.map((group) => {
    const typed = draft.settings[group];
    const entries = Object.entries<Setting>(settingGroups[group]).map(([key, setting]) => [
      key,
      untyped(setting, typed[key]),
    ]);
    return [group, Object.fromEntries(entries)];
  });
  return {
    name: draft.name,
    mode: draft.mode,
    method: draft.method,
    pipeline: draft.pipeline,
    ...(draft.startPolicyId && { startPolicyId: draft.startPolicyId }),
    config: {
      prompts: linesOf(draft.prompts),
      evaluationPrompts: linesOf(draft.evaluationPrompts),
      seed: numberOf(draft.seed),
      // Where nothing is scored, no reward need be chosen.
      ...(sourceOf(draft.method) === 'reward' && {
        rewards: draft.rewards.map(({ model, weight, hinge, normalize }) => ({
          model,
          weight: numberOf(weight),
          hinge: hinge.trim() === '' ? null : numberOf(hinge),
          normalize,
        })),
      }),
      ...Object.fromEntries(settings),
    },
  };
}

/**
 * A draft as a request, or all that stands in its way, in words of the form. `request` is there,
 * too, where each value is right and only the method cannot run so.
 * @param sizes of the pipeline's images
 */
export function checkDraft(
  draft: RunDraft,
  sizes?: KnownSizes,
): { request: StartRun | null; problems: Problems } {
  const asked = requestOf(draft);
  const parsed = startRunSchema.safeParse(asked);
  const problems: Record<string, string> = {};
  for (const { path, message, code } of parsed.error?.issues ?? []) {
    const where = (
      path[1] === 'prompts' || path[1] === 'evaluationPrompts' ? path.slice(0, 2) : path
    ).join('.');
    problems[where] ??= wordsFor(path, code === 'invalid_type') ?? message;
  }
  // What only the method minds is said at once, whatever name, prompts and rewards still lack.
  const some = ['a prompt'];
  const settings = { ...asked.config, prompts: some, evaluationPrompts: some, rewards: undefined };
  const { data: config } = runConfigSchema.safeParse(settings);
  const found = config ? methodProblems(draft.method, draft.mode, config) : [];
  const unfit = config && sizes && sizeProblem(config.sampling, sizes);
  for (const { at, says } of [...found, ...(unfit ? [unfit] : [])]) {
    problems[`config.${at}`] ??= says;
  }
  return { request: parsed.data ?? null, problems };
}

/** What a field says of itself; undefined where the schema's own sentence is for people. */
function wordsFor([, group, key, part]: readonly PropertyKey[], isType: boolean) {
  const settings: Readonly<Record<string, Setting>> | undefined =
    settingGroups[String(group) as GroupName];
  const setting = settings?.[String(key)];
  if (setting?.type === 'number') return rangeText(setting);
  if (group === 'seed') return 'A whole number from 0 to 2147483647 is needed here.';
  if (group === 'rewards' && part === 'model') return 'Choose what images are scored by.';
  return isType ? 'A number is needed here.' : undefined;
}
