/**
 * @file A pipeline's tokenizer, to measure prompts with. Where the trainer runs on another machine
 * it is not here.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import type { z } from 'zod';
import { folderOf, type PipelineIdentity } from '@/db/policies/pipeline-folders';
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
export async function promptMeasureOf({
  pipeline,
  hash,
}: PipelineIdentity): Promise<PromptMeasure | undefined> {
  const kept = known.get(hash) ?? open({ pipeline, hash });
  if (!known.has(hash) && known.size >= mostKept) known.clear();
  known.set(hash, kept);
  try {
    return await kept;
  } catch {
    // Whatever is wrong with it, the trainer says so, with the file and the remedy.
    known.delete(hash);
    return undefined;
  }
}

async function open(identity: PipelineIdentity): Promise<PromptMeasure> {
  const folder = join(folderOf(identity, 'trainer/hands/policy'), 'tokenizer');
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
