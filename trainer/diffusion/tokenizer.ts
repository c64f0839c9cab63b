/**
 * @file CLIP's tokenizer from the `vocab.json` and `merges.txt` that Stable Diffusion exports carry: the pair is put
 * into the form that the tokenizers library reads, with CLIP's own normalization and word pattern.
 * Source: CLIPTokenizerFast in huggingface/transformers.
 */
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { int64, type Tensor } from '@/trainer/graph/tensor';
import { PipelineError, readJson, readText } from './files';

/** A token is written as text or as an object with its content. */
const tokenSchema = z
  .union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)])
  .default('<|endoftext|>');

const configSchema = z.object({
  bos_token: tokenSchema.prefault('<|startoftext|>'),
  eos_token: tokenSchema,
  unk_token: tokenSchema,
  pad_token: tokenSchema,
  model_max_length: z.number().int().min(2).max(4096).default(77),
});

const vocabularySchema = z.record(z.string(), z.number().int().nonnegative());

const wordPattern =
  "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

/** Prompts to token ids as CLIP's text encoder takes them: start, words, end, padding, always `maxLength` long. */
export class ClipTokenizer {
  readonly maxLength: number;
  readonly #tokenizer: Tokenizer;
  readonly #start: number;
  readonly #end: number;
  readonly #padding: number;

  private constructor(
    tokenizer: Tokenizer,
    ids: { start: number; end: number; padding: number },
    maxLength: number,
  ) {
    this.#tokenizer = tokenizer;
    this.#start = ids.start;
    this.#end = ids.end;
    this.#padding = ids.padding;
    this.maxLength = maxLength;
  }

  /** Opens a tokenizer folder (`vocab.json`, `merges.txt`, `tokenizer_config.json`). */
  static async open(folder: string): Promise<ClipTokenizer> {
    const vocabularyPath = join(folder, 'vocab.json');
    const config = await readJson(join(folder, 'tokenizer_config.json'), configSchema);
    const vocabulary = await readJson(vocabularyPath, vocabularySchema);
    const merges = parseMerges(await readText(join(folder, 'merges.txt')));
    const idOf = (token: string) => {
      const id = vocabulary[token];
      if (id !== undefined) return id;
      throw new PipelineError(
        `${vocabularyPath} lacks "${token}", which tokenizer_config.json names: take both files from one export.`,
      );
    };
    const start = idOf(config.bos_token);
    const end = idOf(config.eos_token);
    const tokenizer = new Tokenizer(
      {
        version: '1.0',
        added_tokens: [
          addedToken(start, config.bos_token),
          ...(end === start ? [] : [addedToken(end, config.eos_token)]),
        ],
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
      },
      {},
    );
    const ids = { start, end, padding: idOf(config.pad_token) };
    return new ClipTokenizer(tokenizer, ids, config.model_max_length);
  }

  /** One prompt's ids. What does not fit is cut off before the end token. */
  encode(prompt: string): number[] {
    const words = this.#tokenizer.encode(prompt, { add_special_tokens: false }).ids;
    const ids = [this.#start, ...words.slice(0, this.maxLength - 2), this.#end];
    while (ids.length < this.maxLength) ids.push(this.#padding);
    return ids;
  }

  /** Several prompts' ids, [prompts, maxLength]. */
  encodeAll(prompts: readonly string[]): Tensor<'int64'> {
    const ids = prompts.flatMap((prompt) => this.encode(prompt));
    return int64([prompts.length, this.maxLength], ids);
  }
}

function addedToken(id: number, content: string) {
  return {
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  };
}

/** Each line after the version comment is a pair of pieces to join, most frequent first. */
function parseMerges(text: string): string[] {
  const lines = text.split('\n').map((line) => line.trimEnd());
  if (lines[0]?.startsWith('#version')) lines.shift();
  return lines.filter((line) => line !== '');
}
