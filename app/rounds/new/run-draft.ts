import { asksPeople, type Method } from '@/lib/methods';
import type { RunMode } from '@/lib/runs';
import { type GroupName, settingGroups } from '@/lib/settings/groups';
import { type Preset, type Presets, presetFor, settingsOf } from '@/lib/settings/presets';
import type { Setting } from '@/lib/settings/setting';
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

function untyped(setting: Setting, value: Typed | undefined): unknown {
  return setting.type === 'number' ? numberOf(value) : value;
}

/** NaN for whatever is no number, so that the schema refuses it; an empty field is no zero. */
function numberOf(value: Typed | undefined): number {
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
}

function requestOf(draft: RunDraft): unknown {
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
      rewards: draft.rewards.map(({ model, weight, hinge, normalize }) => ({
        model,
        weight: numberOf(weight),
        hinge: hinge.trim() === '' ? null : numberOf(hinge),
        normalize,
      })),
      ...Object.fromEntries(settings),
    },
  };
}

/** A draft as a request, or what stands in its way. */
export function checkDraft(
  draft: RunDraft,
): { request: StartRun; problems: Problems } | { request: null; problems: Problems } {
  const parsed = startRunSchema.safeParse(requestOf(draft));
  if (parsed.success) return { request: parsed.data, problems: {} };
  const problems: Record<string, string> = {};
  for (const { path, message, code } of parsed.error.issues) {
    const where = (
      path[1] === 'prompts' || path[1] === 'evaluationPrompts' ? path.slice(0, 2) : path
    ).join('.');
    problems[where] ??= code === 'invalid_type' ? 'A number is needed here.' : message;
  }
  return { request: null, problems };
}
