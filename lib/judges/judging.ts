import { z } from 'zod';
import type { FlagKind } from '../flags';
import { judgePartSchema } from './parts';

/**
 * Kinds of flag that a judge's finding may count as: those whose rates are followed from version to
 * version.
 */
export const countedKinds = ['hand', 'nsfw'] as const satisfies readonly FlagKind[];

export type CountedKind = (typeof countedKinds)[number];

/** Ids that mean something else wherever measures stand side by side. */
const takenIds = ['reward', 'alignment', 'diversity'];

const idSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'An id is lower case, with hyphens, 32 characters at most.')
  .refine((id) => !takenIds.includes(id), {
    error: ({ input }) => `${input} is the name of another measure; choose another id.`,
  });

/**
 * A defect: something that an image has or has not, better when it has not. Its rate is followed
 * and raises alarms.
 */
const defectSchema = z.object({
  kind: z.literal('defect'),
  id: idSchema,
  /** Over its rate: "Bent wheels". */
  label: z.string().min(1),
  /** One sentence for where it is found more often than before. */
  explanation: z.string().min(1),
  /** What is there in an image that has it: "bent wheel". */
  finding: z.string().min(1),
  /** What is looked for, as it stands within a sentence: "a wheel that is not round". */
  lookedFor: z.string().min(1),
  /** What a verdict's `count` counts: "wheels". Without it verdicts count nothing. */
  counted: z.string().min(1).optional(),
  /** The kind of flag that it raises; null for none. */
  countsAs: z.enum(countedKinds).nullable(),
});

/**
 * Something that a prompt may ask for; how many of those it asks for are shown is its alignment.
 */
const attributeSchema = z.object({
  kind: z.literal('attribute'),
  id: idSchema,
  label: z.string().min(1),
  explanation: z.string().min(1),
});

export const measureSchema = z.discriminatedUnion('kind', [defectSchema, attributeSchema]);

export type Measure = z.infer<typeof measureSchema>;

/**
 * What a judge says that it measures; ids are unique. Kept in the manifest of a pipeline's base
 * policy.
 */
export const judgeSchema = z.object({
  measures: z
    .array(measureSchema)
    .min(1, 'A judge measures something.')
    .refine((all) => new Set(all.map(({ id }) => id)).size === all.length, {
      error: 'Two measures have the same id.',
    }),
  /** The networks that measure, of a judge that was taken over from elsewhere. */
  imported: z.array(judgePartSchema).optional(),
});

export type DeclaredJudge = z.infer<typeof judgeSchema>;

export type Defect = z.infer<typeof defectSchema>;

/** The defects that a judge looks for, in its order; none without a judge. */
export function defectsOf(judge: DeclaredJudge | null | undefined): Defect[] {
  return (judge?.measures ?? []).filter((measure) => measure.kind === 'defect');
}

/** Whether a judge measures how much of a prompt is shown. */
export function measuresAlignment(judge: DeclaredJudge | null | undefined): boolean {
  return judge?.measures.some(({ kind }) => kind === 'attribute') ?? false;
}

/** The kinds of flag that a judge can raise. */
export function kindsOf(judge: DeclaredJudge | null | undefined): CountedKind[] {
  return countedKinds.filter((kind) => defectsOf(judge).some(({ countsAs }) => countsAs === kind));
}

/**
 * Like `defectsOf`, with those at the end that were measured and are no longer declared: their ids
 * are all that is known.
 */
export function defectsAmong(
  judge: DeclaredJudge | null | undefined,
  measured: Readonly<Record<string, unknown>>,
): Pick<Defect, 'id' | 'label' | 'explanation' | 'finding' | 'counted' | 'countsAs'>[] {
  const declared = defectsOf(judge).filter(({ id }) => Object.hasOwn(measured, id));
  const others = Object.keys(measured).filter((id) => !declared.some((one) => one.id === id));
  return [
    ...declared,
    ...others.map((id) => ({
      id,
      label: id,
      explanation: `The judge finds more of ${id}.`,
      finding: id,
      countsAs: null,
    })),
  ];
}
