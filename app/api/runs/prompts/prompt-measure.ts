/** @file A pipeline's tokenizer, to measure prompts with. Where the trainer runs on another machine it is not here. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import type { z } from 'zod';
import {
  type ClipFiles,
  clipConfigSchema,
  clipFilesOf,
  clipMerges,
  clipTokenizer,
  clipTokenizerFileSchema,
  clipVocabularySchema,
} from '@/lib/text/clip-tokenizer';
import type { PromptMeasure } from '@/lib/text/prompt-cuts';

/** A vocabulary takes megabytes, and one form asks again with every pause in typing. */
const mostKept = 4;
const known = new Map<string, Promise<PromptMeasure>>();

/** How a pipeline measures prompts; undefined where its tokenizer cannot be read here. */
export async function promptMeasureOf(pipeline: string): Promise<PromptMeasure | undefined> {
  const kept = known.get(pipeline) ?? open(pipeline);
  if (!known.has(pipeline) && known.size >= mostKept) known.clear();
  known.set(pipeline, kept);
  try {
    return await kept;
  } catch {
    // Whatever is wrong with it, the trainer says so, with the file and the remedy.
    known.delete(pipeline);
    return undefined;
  }
}

async function open(pipeline: string): Promise<PromptMeasure> {
  const folder = join(pipeline === 'hands' ? 'trainer/hands/policy' : pipeline, 'tokenizer');
  const text = (name: string) => readFile(join(folder, name), 'utf8');
  const json = async <Schema extends z.ZodType>(name: string, schema: Schema) =>
    schema.parse(JSON.parse(await text(name)));
  const parts = async (): Promise<ClipFiles> => ({
    vocabulary: await json('vocab.json', clipVocabularySchema),
    merges: clipMerges(await text('merges.txt')),
    addedTokens: [],
  });
  const whole = async () => clipFilesOf(await json('tokenizer.json', clipTokenizerFileSchema));
  const files = await parts().catch(whole);
  const config = await json('tokenizer_config.json', clipConfigSchema);
  const { json: data, maxLength } = clipTokenizer(files, config, folder);
  const tokenizer = new Tokenizer(data, {});
  return {
    room: maxLength - 2,
    tokensOf: (of) => tokenizer.encode(of, { add_special_tokens: false }).ids.length,
  };
}
