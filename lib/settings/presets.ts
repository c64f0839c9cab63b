import { z } from 'zod';
import { isDrawingMethod, type LearnsFrom, type Method, sourceOf, trainsBy } from '../methods';
import { type GroupName, type RunSettings, settingGroups } from './groups';
import { defaultsOf, schemaOf } from './setting';

/** A value that departs from the default, with the reason a page shows beside it. */
interface Departure<V> {
  value: V;
  because: string;
}

/**
 * Methods that want their settings alike: what they learn from, those apart that draw while they
 * train, that train on a round's finished images, or on differences of images of one x_T, or that
 * follow a reward with all the noise there is.
 */
type MethodKind = LearnsFrom | 'drawing' | 'graded' | 'differences' | 'memoryless';

const methodKinds = [
  'picks',
  'reward',
  'archive',
  'drawing',
  'graded',
  'differences',
  'memoryless',
] as const satisfies MethodKind[];

function kindOf(method: Method): MethodKind {
  if (trainsBy(method, 'graded-images')) return 'graded';
  if (method === 'fdfo') return 'differences';
  if (method === 'adjoint-matching') return 'memoryless';
  return isDrawingMethod(method) ? 'drawing' : sourceOf(method);
}

type Departures = {
  [G in GroupName]?: { [K in keyof RunSettings[G]]?: Departure<RunSettings[G][K]> };
};

/** Named departures from the defaults; everything not named stays official. */
export interface Preset {
  label: string;
  explanation: string;
  /** The methods it is for; null for all. */
  methods: MethodKind | null;
  departures: Departures;
}

/** Presets by name, in the order in which they are offered. */
export type Presets = Readonly<Record<string, Preset>>;

/** The one that belongs to no pipeline, under its name. */
export const officialName = 'official';

export const official: Preset = {
  label: 'Official',
  explanation: 'As each method’s official code has it, for Stable Diffusion 1.5.',
  methods: null,
  departures: {},
};

const groupNames = Object.keys(settingGroups) as GroupName[];

/** Made once: a page of a round reads presets each time. */
const groupSchemas = groupNames.map((name) => [name, schemaOf(settingGroups[name])] as const);

/** Departures of settings that there are, to values that they may have. */
const departuresSchema = z
  .partialRecord(
    z.enum(groupNames),
    z.record(
      z.string(),
      z.object({ value: z.union([z.number(), z.string(), z.boolean()]), because: z.string() }),
    ),
  )
  .superRefine((departures, context) => {
    for (const [group, schema] of groupSchemas) {
      const checked = schema.safeParse(valuesOf(departures[group]));
      for (const { path, message } of checked.error?.issues ?? []) {
        context.addIssue({ code: 'custom', path: [group, ...path], message });
      }
    }
  }) as unknown as z.ZodType<Departures>;

/** The presets of a pipeline by name, as its manifest brings them. */
export const presetsSchema = z
  .record(
    z.string(),
    z.object({
      label: z.string().min(1),
      explanation: z.string(),
      methods: z.enum(methodKinds).nullable(),
      departures: departuresSchema,
    }),
  )
  .refine((presets) => !Object.hasOwn(presets, officialName), {
    error: `${officialName} is the preset that belongs to no pipeline; choose another name.`,
  });

function valuesOf(departures: Readonly<Record<string, { value: unknown }>> = {}) {
  return Object.fromEntries(Object.entries(departures).map(([key, { value }]) => [key, value]));
}

/** The presets that suit a pipeline: the official one, and its own. */
export function presetsOf(own: Presets | undefined): Presets {
  return { [officialName]: official, ...own };
}

/**
 * The name of the preset that stands in for another where a method wants other settings: one of the
 * pipeline's own, the official one where there is none. @param presets those of the pipeline
 */
export function presetFor(method: Method, name: string, presets: Presets): string {
  const kind = kindOf(method);
  const fits = (preset: Preset | undefined) =>
    preset !== undefined && (preset.methods === null || preset.methods === kind);
  if (fits(presets[name])) return name;
  const own = Object.keys(presets).filter((other) => other !== officialName);
  return own.find((other) => fits(presets[other])) ?? officialName;
}

/**
 * All settings at their defaults, with a preset's departures in place. A departure of a setting
 * that went counts for nothing.
 */
export function settingsOf({ departures }: Preset): RunSettings {
  const groups = Object.entries(settingGroups).map(([name, group]) => {
    const values = Object.entries(valuesOf(departures[name as GroupName]));
    const known = values.filter(([key]) => key in group);
    return [name, { ...defaultsOf(group), ...Object.fromEntries(known) }];
  });
  return Object.fromEntries(groups) as RunSettings;
}
