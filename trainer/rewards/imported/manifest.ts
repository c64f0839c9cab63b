/**
 * @file `reward.json`: what a folder with a reward model says of itself, checked before anything is
 * opened. PickScore's:
 *
 *     { "name": "PickScore", "version": "1", "layout": "pickscore", "score": { "logitScale": 4.605 },
 *       "image": { "file": "vision_model.onnx" }, "text": { "file": "text_model.onnx" } }
 *
 * beside both graphs and `tokenizer/`. A number there is the checkpoint's; all else may be left to
 * the layout.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { RewardError } from '../reward';
import { type LayoutName, layoutOf, layouts } from './layouts';

const inFolder = z
  .string()
  .min(1)
  .refine((path) => !/^([\\/]|[a-z]:)/i.test(path) && !path.split(/[\\/]/).includes('..'), {
    error: 'lies outside the folder: put the file beside reward.json and name it relative to that',
  });

const triple = z.tuple([z.number(), z.number(), z.number()]);
const spread = z.number().positive({ error: 'is a divisor: give a number above 0' });

const manifestSchema = z.strictObject({
  name: z.string().min(1),
  version: z.string().min(1),
  layout: z.enum(Object.keys(layouts) as [LayoutName, ...LayoutName[]]),
  /**
   * The graph that sees the image, and what it does to it first where that is not the layout's own
   * way.
   */
  image: z.strictObject({
    file: inFolder,
    input: z.string().min(1).optional(),
    output: z.string().min(1).optional(),
    size: z.number().int().positive().max(4096).optional(),
    fit: z.enum(['crop', 'pad', 'squash']).optional(),
    interpolation: z.enum(['bicubic', 'bilinear']).optional(),
    antialias: z.boolean().optional(),
    range: z.tuple([z.number(), z.number()]).optional(),
    mean: triple.optional(),
    std: z.tuple([spread, spread, spread]).optional(),
  }),
  /** How the prompt gets in. */
  text: z
    .strictObject({
      /** The text tower; without one the image's graph takes the tokens. */
      file: inFolder.optional(),
      ids: z.string().min(1).default('input_ids'),
      mask: z.string().min(1).optional(),
      output: z.string().min(1).optional(),
      /** Input of the image's graph that takes the embedding (layout plain). */
      into: z.string().min(1).optional(),
      tokenizer: z.enum(['clip', 'wordpiece']).optional(),
      /** Folder with the tokenizer's files. */
      folder: inFolder.default('tokenizer'),
      length: z.number().int().min(2).max(4096).optional(),
    })
    .optional(),
  head: z
    .strictObject({
      file: inFolder,
      input: z.string().min(1).optional(),
      output: z.string().min(1).optional(),
    })
    .optional(),
  score: z
    .strictObject({
      /** Natural logarithm of the factor before the cosine. */
      logitScale: z.number().min(0).max(10).optional(),
      mean: z.number().optional(),
      std: spread.optional(),
    })
    .default({}),
  expected: z
    .tuple([z.number(), z.number()])
    .refine(([low, high]) => low < high, { error: 'goes from the lower to the higher score' })
    .optional(),
});

export type Manifest = z.output<typeof manifestSchema>;

/** Reads and checks a folder's `reward.json`. @throws RewardError naming file, field and remedy */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, 'reward.json');
  const text = await readFile(path, 'utf8').catch((cause: Error) => {
    throw new RewardError(
      `${path} cannot be read (${cause.message}). A reward model is a folder with reward.json and the ONNX files that it names.`,
    );
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new RewardError(`${path} is no JSON: ${(cause as Error).message}. Correct it there.`);
  }
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) {
    const issues = parsed.error.issues.map(({ path: field, message }) =>
      field.length === 0 ? message : `${field.join('.')}: ${message}`,
    );
    throw new RewardError(`${path} does not say what it must. ${issues.join('; ')}.`);
  }
  const problem = contradiction(parsed.data);
  if (problem) throw new RewardError(`${path}, ${problem}`);
  return parsed.data;
}

/** What the manifest says that its layout cannot be, as `field: sentence`. */
function contradiction(manifest: Manifest): string | undefined {
  const { layout, version, text, head, score } = manifest;
  const row = layoutOf(layout);
  if (!row.versions.test(version)) {
    return `version: layout ${layout} is not version ${version}. Give version ${row.versionHint}, or the layout that the files are.`;
  }
  const other = otherHps(manifest);
  if (other) {
    return `layout: ${layout}, but "${other}" speaks of the other HPSv2, whose scores cannot be compared. Give the layout that the files are.`;
  }
  if (row.prompt === 'tower' && !text?.file) {
    return `text.file: layout ${layout} compares the image with an embedding of the prompt. Name the text tower's ONNX file.`;
  }
  if (row.prompt === 'tokens' && (!text || text.file)) {
    return `text: layout ${layout} takes the prompt's tokens into one graph. Say how (ids, mask), without text.file.`;
  }
  if (row.prompt === 'none' && text) {
    return `text: layout ${layout} does not look at the prompt. Leave it out.`;
  }
  if (row.head && !head) {
    return `head: layout ${layout} scores the image's embedding by a second graph. Name its ONNX file.`;
  }
  if (!row.head && head) return `head: layout ${layout} has none. Leave it out.`;
  if (layout === 'plain' && text?.file && !text.into) {
    return "text.into: say which input of the image's graph takes the embedding of the prompt.";
  }
  if (row.score === 'logit' && score.logitScale === undefined) {
    return `score.logitScale: layout ${layout} multiplies the cosine by e^logitScale. Give the checkpoint's number (about 4.6).`;
  }
  if (row.score !== 'logit' && score.logitScale !== undefined) {
    return `score.logitScale: layout ${layout} has none. Leave it out.`;
  }
  const shifted = score.mean !== undefined || score.std !== undefined;
  if (row.score !== 'affine' && shifted) {
    return `score: layout ${layout} is a cosine as it is. Leave out mean and std.`;
  }
  return undefined;
}

/** A name in an HPSv2 manifest that belongs to the other version. */
function otherHps({ layout, name, image, text }: Manifest): string | undefined {
  if (layout !== 'hpsv2' && layout !== 'hpsv2.1') return undefined;
  return [name, image.file, text?.file ?? ''].find((word) => {
    const said = /hps[\s_-]*v?2([._]\d)?/i.exec(word);
    const minor = said?.[1]?.slice(1);
    return minor !== undefined && minor !== (layout === 'hpsv2' ? '0' : '1');
  });
}
