/**
 * @file A pipeline's tokenizers, to measure prompts with. Where the trainer runs on another machine
 * they are not here.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { folderOf, type PipelineIdentity } from '@/db/policies/pipeline-folders';
import { conditioningSettingsSchema, familyOf, readingsOf, type TextReading } from '@/lib/families';
import {
  type ClipFiles,
  clipConfigSchema,
  clipFilesOf,
  clipMerges,
  clipTokenizer,
  clipTokenizerFileSchema,
  clipVocabularySchema,
} from '@/lib/text/clip-tokenizer';
import { PieceTokenizer, pieceConfigSchema } from '@/lib/text/piece-tokenizer';
import { type PromptMeasure, roomiest } from '@/lib/text/prompt-cuts';

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
  const folder = folderOf(identity, 'trainer/hands/policy');
  const { _class_name: name } = await json(join(folder, 'model_index.json'), indexSchema);
  const family = familyOf(name);
  if (!family) throw new Error(`${name} is no class whose tokenizers are known.`);
  const settings = await json(join(folder, 'conditioning.json'), conditioningSettingsSchema).catch(
    (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return conditioningSettingsSchema.parse({});
      throw cause;
    },
  );
  const measures: PromptMeasure[] = [];
  for (const reading of readingsOf(family, settings)) {
    if (reading.optional && !existsSync(join(folder, reading.encoder))) continue;
    const own = join(folder, reading.tokenizer);
    measures.push(reading.kind === 'clip' ? await clipMeasure(own) : await pieces(own, reading));
  }
  return roomiest(measures);
}

const indexSchema = z.object({ _class_name: z.string() });

async function json<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
): Promise<z.output<Schema>> {
  return schema.parse(JSON.parse(await readFile(path, 'utf8')));
}

async function pieces(folder: string, { tokens = 0, ...how }: TextReading): Promise<PromptMeasure> {
  const file = join(folder, 'tokenizer.json');
  const config = await json(join(folder, 'tokenizer_config.json'), pieceConfigSchema);
  const encoder = new Tokenizer(await json(file, z.looseObject({})), {});
  return new PieceTokenizer(encoder, config, { ...how, length: tokens }, file);
}

async function clipMeasure(folder: string): Promise<PromptMeasure> {
  const parts = async (): Promise<ClipFiles> => ({
    vocabulary: await json(join(folder, 'vocab.json'), clipVocabularySchema),
    merges: clipMerges(await readFile(join(folder, 'merges.txt'), 'utf8')),
    addedTokens: [],
  });
  const whole = async () =>
    clipFilesOf(await json(join(folder, 'tokenizer.json'), clipTokenizerFileSchema));
  const files = await parts().catch(whole);
  const config = await json(join(folder, 'tokenizer_config.json'), clipConfigSchema);
  const { json: data, maxLength } = clipTokenizer(files, config, folder);
  const tokenizer = new Tokenizer(data, {});
  return {
    room: maxLength - 2,
    tokensOf: (of) => tokenizer.encode(of, { add_special_tokens: false }).ids.length,
  };
}
