/**
 * @file A row of Pick-a-Pic's columns as others write it: only caption, labels and images must be
 * there.
 */
import { z } from 'zod';
import { type Answer, answerSchema } from '../answers';
import { purposeSchema } from '../samples';
import { labelsOf } from './pick-a-pic';

/** Python's json writes what is not there as NaN, tables as an empty text. */
const blank = new Set(['', 'nan', 'none', 'null', 'nat', 'n/a', '<na>']);

const isBlank = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  (typeof value === 'string' && blank.has(value.trim().toLowerCase()));

/** What is not there, in whatever form, is null. */
const optional = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => (isBlank(value) ? null : value), schema.nullable()).default(null);

const noName = 'is no name: give a text of at most 200 characters, or a whole number';

const nameSchema = z.preprocess(
  (value) => (Number.isSafeInteger(value) ? String(value) : value),
  z.string(noName).trim().min(1, noName).max(200, noName),
);

/** Numbers as text, and Python's booleans: `rank_0 < rank_1` is true or false. */
const labelSchema = z.preprocess(
  (value) => {
    if (typeof value === 'boolean') return Number(value);
    if (typeof value !== 'string') return value;
    const truth = truthOf(value);
    return truth === undefined ? Number(value) : Number(truth);
  },
  z.number({ error: 'is no number: give 1, 0 or 0.5' }),
);

function truthOf(value: unknown): boolean | undefined {
  const text = String(value).trim().toLowerCase();
  if (['true', '1', '1.0'].includes(text)) return true;
  if (['false', '0', '0.0'].includes(text)) return false;
  return undefined;
}

/** As they are, or in base64 (also as a data URL). */
const bytesSchema = z.union([z.string(), z.instanceof(Uint8Array)]);

/**
 * Bytes of an image, or an object that holds them: `{"bytes": …}`, as `datasets` keeps images.
 */
const imageBytesSchema = z.union(
  [bytesSchema, z.looseObject({ bytes: bytesSchema }).transform(({ bytes }) => bytes)],
  { error: 'holds no bytes as base64: give them so, or put the image beside the file' },
);

export const importedRowSchema = z.looseObject({
  /** The id that an export of Darkroom gives an answer; else Pick-a-Pic's. */
  answer_id: optional(nameSchema),
  ranking_id: optional(nameSchema),
  user_id: optional(nameSchema),
  /** In whatever form: `readTime` reads it. */
  created_at: z.unknown().optional(),
  created_at_ms: z.unknown().optional(),
  caption: z
    .string({ error: 'is missing: give the prompt of both images' })
    .trim()
    .min(1, 'is empty: give the prompt of both images')
    .max(10_000, 'has more than 10,000 characters: shorten the prompt'),
  image_0_uid: optional(nameSchema),
  image_1_uid: optional(nameSchema),
  image_0_path: optional(z.string()),
  image_1_path: optional(z.string()),
  image_0_url: optional(z.string()),
  image_1_url: optional(z.string()),
  jpg_0: optional(imageBytesSchema),
  jpg_1: optional(imageBytesSchema),
  label_0: labelSchema,
  label_1: labelSchema,
  model_0: optional(nameSchema),
  model_1: optional(nameSchema),
  answer: optional(answerSchema),
  purpose: optional(purposeSchema).transform((purpose) => purpose ?? 'training'),
  held_back: z.preprocess((value) => truthOf(value) ?? false, z.boolean()).default(false),
  decision_ms: optional(z.coerce.number().nonnegative()),
});

export type ImportedRow = z.output<typeof importedRowSchema>;

/**
 * Whether a row says that nobody has answered: `has_label` is false, or both labels are there and
 * empty. Its other columns do not matter then.
 */
export function isUnlabeled(row: Readonly<Record<string, unknown>>): boolean {
  if (!isBlank(row.has_label)) {
    const labeled = truthOf(row.has_label);
    if (labeled !== undefined) return !labeled;
  }
  return ['label_0', 'label_1'].every((column) => column in row && isBlank(row[column]));
}

/**
 * What a row's labels say; null where they say nothing that an answer could be, or something else
 * than `answer` does.
 */
export function answerIn({ label_0, label_1, answer }: ImportedRow): Answer | null {
  const fitting = (Object.keys(labelsOf) as Answer[]).filter(
    (one) => labelsOf[one][0] === label_0 && labelsOf[one][1] === label_1,
  );
  if (answer) return fitting.includes(answer) ? answer : null;
  return fitting[0] ?? null;
}

/**
 * One line as an object. Python's NaN and Infinity, which are no JSON, count as null; whole numbers
 * past 2^53 come as text, because JavaScript's would be others. Null where the line is no object.
 */
export function objectIn(text: string): Record<string, unknown> | null {
  const exact = longNumber.test(text) ? undefined : jsonIn(text);
  const parsed = exact ?? jsonIn(text.replaceAll(stringOrOddNumber, asJson));
  return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
    ? (parsed as Record<string, unknown>)
    : null;
}

const longNumber = /[:,[]\s*-?\d{16}/;
const stringOrOddNumber =
  /"(?:[^"\\]+|\\.)*"|-?\b(?:NaN|Infinity)\b|(?<![\w.+-])-?\d{16,}(?![\w.])/g;

function asJson(found: string): string {
  if (found.startsWith('"')) return found;
  return /\d/.test(found) ? `"${found}"` : 'null';
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
