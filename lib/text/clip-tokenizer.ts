/**
 * @file CLIP's tokenizer as its files say it, in the form that the tokenizers library reads, with
 * CLIP's own normalization and word pattern. The files: `vocab.json` and `merges.txt`, or
 * `tokenizer.json` alone, which is all that transformers writes since version 5;
 * `tokenizer_config.json` beside either. Source: CLIPTokenizer in huggingface/transformers.
 */
import { z } from 'zod';
import { AppError } from '../errors';

/**
 * A token is written as text or as an object with its content; left out or null, it is the end
 * token.
 */
const tokenSchema = (usual: string) =>
  z
    .union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)])
    .nullish()
    .transform((token) => token ?? usual);

/** Longer than any text tower: what transformers writes where nobody has said a length is 10³⁰. */
const longest = 4096;
const usualLength = 77;

export const clipConfigSchema = z.object({
  bos_token: tokenSchema('<|startoftext|>'),
  eos_token: tokenSchema('<|endoftext|>'),
  unk_token: tokenSchema('<|endoftext|>'),
  pad_token: tokenSchema('<|endoftext|>'),
  model_max_length: z
    .number()
    .min(2)
    .nullish()
    .transform((length) => (length && length <= longest ? Math.floor(length) : usualLength)),
});

const id = z.number().int().nonnegative();

/** `vocab.json`: a token's id. */
export const clipVocabularySchema = z.record(z.string(), id);

const addedTokenSchema = z.object({
  id,
  content: z.string().min(1),
  single_word: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  normalized: z.boolean().default(false),
  special: z.boolean().default(false),
});

/**
 * `tokenizer.json`. Merges are pairs of pieces, or, from older versions, both pieces with a space
 * between.
 */
export const clipTokenizerFileSchema = z.object({
  added_tokens: z.array(addedTokenSchema).default([]),
  model: z.object({
    type: z.literal('BPE', 'a CLIP tokenizer joins pairs of pieces (BPE)').default('BPE'),
    end_of_word_suffix: z.literal('</w>', 'a CLIP tokenizer marks the end of a word by "</w>"'),
    vocab: clipVocabularySchema,
    merges: z.array(
      z.union(
        [
          z.tuple([z.string(), z.string()]),
          z
            .string()
            .regex(/^\S+ \S+$/)
            .transform(mergeOf),
        ],
        {
          error: 'a merge is a pair of pieces, ["a", "b"] or "a b"',
        },
      ),
    ),
  }),
});

type Merge = [string, string];
type AddedToken = z.output<typeof addedTokenSchema>;

export interface ClipFiles {
  vocabulary: Record<string, number>;
  merges: readonly Merge[];
  /** Tokens that are found in a text before anything is split. */
  addedTokens: readonly AddedToken[];
}

export interface ClipTokenizerData {
  /** What the constructor of the tokenizers library takes. */
  json: object;
  start: number;
  end: number;
  padding: number;
  /** Ids of a prompt, start and end included. */
  maxLength: number;
}

const wordPattern =
  "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

/**
 * `merges.txt`: each line after the version comment is a pair of pieces to join, most frequent
 * first.
 */
export function clipMerges(text: string): Merge[] {
  const lines = text.split('\n').map((line) => line.trimEnd());
  if (lines[0]?.startsWith('#version')) lines.shift();
  return lines.filter((line) => line !== '').map(mergeOf);
}

/** What `tokenizer.json` holds of a tokenizer. */
export function clipFilesOf({
  model,
  added_tokens,
}: z.output<typeof clipTokenizerFileSchema>): ClipFiles {
  return { vocabulary: model.vocab, merges: model.merges, addedTokens: added_tokens };
}

function mergeOf(text: string): Merge {
  const at = text.indexOf(' ');
  return [text.slice(0, at), text.slice(at + 1)];
}

/**
 * The tokenizer of these files. @param source the file that the vocabulary was read from
 * @throws AppError where it lacks a token that the configuration names
 */
export function clipTokenizer(
  { vocabulary, merges, addedTokens }: ClipFiles,
  config: z.output<typeof clipConfigSchema>,
  source: string,
): ClipTokenizerData {
  const added = new Map(addedTokens.map((token) => [token.content, token]));
  const idOf = (token: string) => {
    const id = added.get(token)?.id ?? vocabulary[token];
    if (id !== undefined) return id;
    throw new AppError(
      'unprocessable',
      `${source} lacks "${token}", which tokenizer_config.json names: take both files from one export.`,
    );
  };
  const [start, end] = [idOf(config.bos_token), idOf(config.eos_token)];
  // The padding, too: where that is "!", every "!" of a prompt is padding.
  for (const content of [config.bos_token, config.eos_token, config.pad_token]) {
    added.set(content, { ...plainToken, id: idOf(content), content });
  }
  const json = {
    version: '1.0',
    added_tokens: [...added.values()],
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'NFC' },
        { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
        { type: 'Lowercase' },
      ],
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: wordPattern }, behavior: 'Removed', invert: true },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      ],
    },
    post_processor: null,
    decoder: null,
    model: {
      type: 'BPE',
      unk_token: config.unk_token,
      end_of_word_suffix: '</w>',
      vocab: vocabulary,
      merges,
    },
  };
  return { json, start, end, padding: idOf(config.pad_token), maxLength: config.model_max_length };
}

const plainToken = {
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
};
