import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { promptCuts } from '@/lib/text/prompt-cuts';
import { END_TOKEN, PROMPT_TOKENS, writeTokenizer } from '@/trainer/hands/tokenizer';
import { openTokens } from '@/trainer/rewards/imported/tokens';

const folderOf = () => mkdtemp(join(tmpdir(), 'darkroom-tokens-'));

/**
 * BERT's own form with a vocabulary of a few words; ids are those of bert-base-uncased for the
 * special tokens.
 */
async function writeBert(folder: string, vocabulary: Record<string, number>): Promise<void> {
  const special = (content: string) => ({
    id: vocabulary[content],
    content,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  });
  await writeFile(
    join(folder, 'tokenizer.json'),
    JSON.stringify({
      version: '1.0',
      added_tokens: Object.keys(vocabulary)
        .filter((token) => token.startsWith('['))
        .map(special),
      normalizer: {
        type: 'BertNormalizer',
        clean_text: true,
        handle_chinese_chars: true,
        strip_accents: null,
        lowercase: true,
      },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      post_processor: null,
      decoder: null,
      model: {
        type: 'WordPiece',
        unk_token: '[UNK]',
        continuing_subword_prefix: '##',
        max_input_chars_per_word: 100,
        vocab: vocabulary,
      },
    }),
  );
}

const bert = {
  '[PAD]': 0,
  '[UNK]': 100,
  '[CLS]': 101,
  '[SEP]': 102,
  a: 1037,
  hand: 2192,
  with: 2007,
  five: 2274,
  finger: 4344,
  '##s': 2015,
  ',': 1010,
};

it("BERT's pieces stand between [CLS] and [SEP], then padding", async () => {
  const folder = await folderOf();
  await writeBert(folder, bert);
  const tokens = await openTokens('wordpiece', folder, 12);
  expect(tokens.encode('A Hand, with FIVE fingers')).toEqual({
    ids: [101, 1037, 2192, 1010, 2007, 2274, 4344, 2015, 102, 0, 0, 0],
    mask: [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
  });
  expect(tokens.encode('')).toEqual({
    ids: [101, 102, ...Array(10).fill(0)],
    mask: [1, 1, ...Array(10).fill(0)],
  });
});

it('what does not fit is cut off before [SEP]', async () => {
  const folder = await folderOf();
  await writeBert(folder, bert);
  const tokens = await openTokens('wordpiece', folder, 5);
  expect(tokens.encode('a hand with five fingers').ids).toEqual([101, 1037, 2192, 2007, 102]);
  expect(promptCuts(['a hand', 'a hand with five fingers'], tokens)).toEqual([
    {
      prompt: 'a hand with five fingers',
      tokens: 6,
      kept: 'a hand with',
      lost: 'five fingers',
    },
  ]);
});

it('a vocabulary without [CLS] is refused', async () => {
  const folder = await folderOf();
  await writeBert(folder, { '[UNK]': 0, '[SEP]': 1, '[PAD]': 2, a: 3 });
  await expect(openTokens('wordpiece', folder, 5)).rejects.toThrow(/"\[CLS\]".*no BERT vocabulary/);
  await writeFile(join(folder, 'tokenizer.json'), '{"model":{"type":"BPE"}}');
  await expect(openTokens('wordpiece', folder, 5)).rejects.toThrow(/tokenizer\.json.*model\.vocab/);
});

it("CLIP's tokenizer opens from tokenizer.json alone, as transformers 5 writes it", async () => {
  const folder = await folderOf();
  writeTokenizer(folder);
  const both = await openTokens('clip', folder, PROMPT_TOKENS);
  for (const file of ['vocab.json', 'merges.txt']) await rm(join(folder, file));
  const alone = await openTokens('clip', folder, PROMPT_TOKENS);
  for (const prompt of ['1 hand, dark skin', '', 'ein café']) {
    expect(alone.encode(prompt)).toEqual(both.encode(prompt));
  }
});

it("CLIP's mask ends with the first end token, which pads, too", async () => {
  const folder = await folderOf();
  writeTokenizer(folder);
  const tokens = await openTokens('clip', folder, PROMPT_TOKENS);
  const { ids, mask } = tokens.encode('1 hand');
  const used = mask.reduce((sum, value) => sum + value, 0);
  expect(used).toBeLessThan(PROMPT_TOKENS);
  expect(mask).toEqual(ids.map((_, i) => Number(i < used)));
  // Start, words, end: after the end all is padding, which is the end token again.
  expect(new Set(ids.slice(used - 1)).size, END_TOKEN).toBe(1);
  expect(ids[used - 2]).not.toBe(ids[used - 1]);
});
