/**
 * @file Prompts as a reward model's text half takes them: token ids of one fixed length, and which
 * of them are padding.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import type { PromptMeasure } from '@/lib/text/prompt-cuts';
import { readJson } from '@/trainer/diffusion/pipelines/files';
import { ClipTokenizer } from '@/trainer/diffusion/pipelines/tokenizer';
import { tensorOf } from '@/trainer/graph/numbers';
import type { Dtype, Tensor } from '@/trainer/graph/tensor';
import { RewardError } from '../reward';

export interface PromptTokens extends PromptMeasure {
  length: number;
  /** `length` ids, and 1 for each that is not padding. */
  encode(prompt: string): { ids: number[]; mask: number[] };
}

/** The sets of files that a tokenizer may be read from. */
const filesOf = {
  clip: [
    ['vocab.json', 'merges.txt', 'tokenizer_config.json'],
    ['tokenizer.json', 'tokenizer_config.json'],
  ],
  wordpiece: [['tokenizer.json']],
};

/**
 * Opens a tokenizer's folder: CLIP's vocab.json and merges.txt, CLIP's tokenizer.json, or BERT's.
 */
export async function openTokens(
  kind: 'clip' | 'wordpiece',
  folder: string,
  length: number,
): Promise<PromptTokens> {
  const there = await readdir(folder).catch((): string[] => []);
  const missing = filesOf[kind].map((files) => files.filter((file) => !there.includes(file)));
  if (missing.every((files) => files.length > 0)) {
    throw new RewardError(
      `${folder} lacks ${missing.map((files) => files.join(' and ')).join(', or ')}, which a ${kind} tokenizer is read from. Put the model's own there, or correct text.folder or text.tokenizer in reward.json.`,
    );
  }
  return kind === 'clip' ? openClip(folder, length) : openWordPiece(folder, length);
}

async function openClip(folder: string, length: number): Promise<PromptTokens> {
  const tokenizer = await ClipTokenizer.open(folder);
  if (tokenizer.maxLength !== length) {
    throw new RewardError(
      `${folder}/tokenizer_config.json makes prompts ${tokenizer.maxLength} tokens long (model_max_length), the reward model takes ${length}. Correct text.length in reward.json, or take the model's own tokenizer.`,
    );
  }
  const end = tokenizer.encode('')[1]!;
  return {
    length,
    room: tokenizer.room,
    tokensOf: (text) => tokenizer.tokensOf(text),
    encode(prompt) {
      const ids = tokenizer.encode(prompt);
      // The end token is often the padding too: what counts ends with its first.
      const used = ids.indexOf(end) + 1;
      return { ids, mask: ids.map((_, i) => Number(i < used)) };
    },
  };
}

const wordPieceSchema = z.looseObject({
  model: z.looseObject({ vocab: z.record(z.string(), z.number()) }),
});

/**
 * BERT's pieces between [CLS] and [SEP], padded with [PAD]; what does not fit is cut off before
 * [SEP].
 */
async function openWordPiece(folder: string, length: number): Promise<PromptTokens> {
  const path = join(folder, 'tokenizer.json');
  const json = await readJson(path, wordPieceSchema);
  const tokenizer = new Tokenizer(json, {});
  const idOf = (token: string) => {
    const id = tokenizer.token_to_id(token);
    if (id !== undefined) return id;
    throw new RewardError(
      `${path} has no token "${token}": it is no BERT vocabulary. Take bert-base-uncased's tokenizer.json, or say text.tokenizer: "clip".`,
    );
  };
  const [start, end, padding] = ['[CLS]', '[SEP]', '[PAD]'].map(idOf) as [number, number, number];
  const piecesOf = (text: string) => tokenizer.encode(text, { add_special_tokens: false }).ids;
  const room = length - 2;
  return {
    length,
    room,
    tokensOf: (text) => piecesOf(text).length,
    encode(prompt) {
      const used = [start, ...piecesOf(prompt).slice(0, room), end];
      const rest = Array<number>(length - used.length).fill(0);
      return {
        ids: [...used, ...rest.map(() => padding)],
        mask: [...used.map(() => 1), ...rest],
      };
    },
  };
}

/** Rows of token ids (or of masks) as a graph's input takes them. */
export function tokenTensor(dtype: Dtype, rows: readonly (readonly number[])[]): Tensor {
  return tensorOf(dtype, [rows.length, rows[0]?.length ?? 0], rows.flat());
}
