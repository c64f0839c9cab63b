/**
 * @file CLIP's tokenizer from a folder, as Stable Diffusion exports carry it (see
 * lib/clip-tokenizer.ts).
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import {
  type ClipFiles,
  type ClipTokenizerData,
  clipConfigSchema,
  clipFilesOf,
  clipMerges,
  clipTokenizer,
  clipTokenizerFileSchema,
  clipVocabularySchema,
} from '@/lib/text/clip-tokenizer';
import type { PromptMeasure } from '@/lib/text/prompt-cuts';
import { int64, type Tensor } from '@/trainer/graph/tensor';
import { PipelineError } from '../pipeline-error';
import { readJson, readText } from './files';

/** A prompt's ids, and how many of them, from the first on, are not padding. */
export interface PromptIds {
  ids: number[];
  used: number;
}

/** What turns prompts into the ids of one text encoder. */
export interface PromptTokenizer extends PromptMeasure {
  /** Ids of a prompt, start, end and padding included. */
  readonly maxLength: number;
  /**
   * @param instructed with the instruction before it that the encoder is given, where it has one
   */
  read(prompt: string, instructed?: boolean): PromptIds;
}

/**
 * Prompts to token ids as CLIP's text encoder takes them: start, words, end, padding, always
 * `maxLength` long.
 */
export class ClipTokenizer implements PromptTokenizer {
  readonly maxLength: number;
  readonly #tokenizer: Tokenizer;
  readonly #ids: Pick<ClipTokenizerData, 'start' | 'end' | 'padding'>;

  private constructor({ json, maxLength, ...ids }: ClipTokenizerData) {
    this.#tokenizer = new Tokenizer(json, {});
    this.#ids = ids;
    this.maxLength = maxLength;
  }

  /**
   * Opens a tokenizer folder: `tokenizer_config.json` with `vocab.json` and `merges.txt`, or with
   * `tokenizer.json`.
   */
  static async open(folder: string): Promise<ClipTokenizer> {
    const config = await readJson(join(folder, 'tokenizer_config.json'), clipConfigSchema);
    const { files, source } = await readFiles(folder);
    return new ClipTokenizer(clipTokenizer(files, config, source));
  }

  get room(): number {
    return this.maxLength - 2;
  }

  tokensOf(text: string): number {
    return this.#words(text).length;
  }

  /** One prompt's ids. What does not fit is cut off before the end token. */
  encode(prompt: string): number[] {
    return this.read(prompt).ids;
  }

  read(prompt: string): PromptIds {
    const { start, end, padding } = this.#ids;
    const used = [start, ...this.#words(prompt).slice(0, this.room), end];
    const rest = Array<number>(this.maxLength - used.length).fill(padding);
    return { ids: [...used, ...rest], used: used.length };
  }

  /** Several prompts' ids, [prompts, maxLength]. */
  encodeAll(prompts: readonly string[]): Tensor<'int64'> {
    const ids = prompts.flatMap((prompt) => this.encode(prompt));
    return int64([prompts.length, this.maxLength], ids);
  }

  #words(text: string): number[] {
    return this.#tokenizer.encode(text, { add_special_tokens: false }).ids;
  }
}

async function readFiles(folder: string): Promise<{ files: ClipFiles; source: string }> {
  const [vocabulary, merges, whole] = ['vocab.json', 'merges.txt', 'tokenizer.json'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  const parts = [vocabulary, merges].filter((path) => existsSync(path));
  if (parts.length < 2 && existsSync(whole)) {
    return { files: clipFilesOf(await readJson(whole, clipTokenizerFileSchema)), source: whole };
  }
  if (parts.length === 0) {
    throw new PipelineError(
      `${vocabulary} does not exist, nor does ${whole}: a CLIP tokenizer is read from vocab.json and merges.txt, or from tokenizer.json. Export the pipeline again, or copy the tokenizer's files there.`,
    );
  }
  const files = {
    vocabulary: await readJson(vocabulary, clipVocabularySchema),
    merges: clipMerges(await readText(merges)),
    addedTokens: [],
  };
  return { files, source: vocabulary };
}
