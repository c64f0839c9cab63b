/** @file A tokenizer of T5 or Gemma from a folder: `tokenizer.json` with its configuration. */
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { type PieceReading, PieceTokenizer, pieceConfigSchema } from '@/lib/text/piece-tokenizer';
import { readJson } from './files';

const fileSchema = z.looseObject({ model: z.looseObject({ type: z.string() }) });

/** Opens it for prompts of one length. @throws PipelineError naming the file that is missing */
export async function openPieceTokenizer(
  folder: string,
  reading: PieceReading,
): Promise<PieceTokenizer> {
  const file = join(folder, 'tokenizer.json');
  const json = await readJson(file, fileSchema);
  const config = await readJson(join(folder, 'tokenizer_config.json'), pieceConfigSchema);
  return new PieceTokenizer(new Tokenizer(json, {}), config, reading, file);
}
