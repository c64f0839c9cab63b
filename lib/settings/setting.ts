/**
 * @file Settings as data: one table entry gives a setting its default, range, unit and explanation.
 * Forms are rendered from it, the border and the trainer parse with the schema derived from it.
 */
import { z } from 'zod';

interface Described {
  label: string;
  explanation: string;
}

/** A number in [min, max]. `unit` is null for pure numbers. */
export interface NumberSetting extends Described {
  type: 'number';
  default: number;
  min: number;
  max: number;
  integer: boolean;
  unit: string | null;
}

/** What a choice is called, and what it means. */
type ChoiceWords = readonly [label: string, explanation: string];

/** One of several named choices. */
export interface ChoiceSetting<C extends string = string> extends Described {
  type: 'choice';
  default: C;
  choices: Readonly<Record<C, ChoiceWords>>;
}

/** On or off. */
export interface SwitchSetting extends Described {
  type: 'switch';
  default: boolean;
}

export type Setting = NumberSetting | ChoiceSetting | SwitchSetting;

export type SettingGroup = Readonly<Record<string, Setting>>;

type ValueOf<S> = S extends NumberSetting
  ? number
  : S extends ChoiceSetting<infer C>
    ? C
    : S extends SwitchSetting
      ? boolean
      : never;

export type ValuesOf<G extends SettingGroup> = { -readonly [K in keyof G]: ValueOf<G[K]> };

type NumberInput = Omit<NumberSetting, 'type' | 'integer' | 'unit'> & { unit?: string };

export function real(input: NumberInput): NumberSetting {
  return { unit: null, ...input, type: 'number', integer: false };
}

export function integer(input: NumberInput): NumberSetting {
  return { unit: null, ...input, type: 'number', integer: true };
}

export function choice<C extends string>(
  input: Described & { default: NoInfer<C>; choices: Readonly<Record<C, ChoiceWords>> },
): ChoiceSetting<C> {
  return { ...input, type: 'choice' };
}

export function toggle(input: Omit<SwitchSetting, 'type'>): SwitchSetting {
  return { ...input, type: 'switch' };
}

function schemaOfOne(setting: Setting): z.ZodType {
  if (setting.type === 'switch') return z.boolean().default(setting.default);
  if (setting.type === 'choice') {
    return z.enum(Object.keys(setting.choices)).default(setting.default);
  }
  const number = setting.integer ? z.number().int() : z.number();
  return number.min(setting.min).max(setting.max).default(setting.default);
}

/** Why settings cannot be so, with the remedy; said beside one of them. */
export interface SettingProblem {
  /** Group and key: `sampling.eta`. */
  at: string;
  /** As a form says it, whose field it stands at. */
  says: string;
}

/** What a form says where a number does not fit: the range, in words. */
export function rangeText({ integer, min, max, unit }: NumberSetting): string {
  const kind = integer ? 'A whole number' : 'A number';
  return `${kind} from ${min} to ${max}${unit ? ` ${unit}` : ''} is needed here.`;
}

/** Every setting at its default. */
export function defaultsOf<G extends SettingGroup>(group: G): ValuesOf<G> {
  const entries = Object.entries(group).map(([key, setting]) => [key, setting.default]);
  return Object.fromEntries(entries) as ValuesOf<G>;
}

/** A strict schema: missing settings take their default, unknown names are refused by name. */
export function schemaOf<G extends SettingGroup>(
  group: G,
): z.ZodType<ValuesOf<G>, Partial<ValuesOf<G>>> {
  const shape = Object.fromEntries(
    Object.entries(group).map(([key, setting]) => [key, schemaOfOne(setting)]),
  );
  // The shape is built at run time from the same table the type is derived from.
  return z.strictObject(shape) as unknown as z.ZodType<ValuesOf<G>, Partial<ValuesOf<G>>>;
}
