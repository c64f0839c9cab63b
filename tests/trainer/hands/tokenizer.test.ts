import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { beforeAll, expect, test } from 'vitest';
import { EVALUATION_PROMPTS, TRAINING_PROMPTS } from '@/trainer/hands/prompts';
import { END_TOKEN, PROMPT_TOKENS, START_TOKEN, writeTokenizer } from '@/trainer/hands/tokenizer';

let tokenizer: Tokenizer;
let folder: string;
const read = (name: string) => readFileSync(join(folder, name), 'utf8');

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hands-tokenizer-'));
  writeTokenizer(folder);
  tokenizer = new Tokenizer(
    JSON.parse(read('tokenizer.json')),
    JSON.parse(read('tokenizer_config.json')),
  );
});

test('every word of every prompt is one token, and every prompt fits', () => {
  for (const prompt of [...TRAINING_PROMPTS, ...EVALUATION_PROMPTS]) {
    const { tokens } = tokenizer.encode(prompt);
    const words = prompt.replaceAll(',', ' ,').split(' ');
    expect(tokens).toEqual([START_TOKEN, ...words.map((word) => `${word}</w>`), END_TOKEN]);
    expect(tokens.length).toBeLessThanOrEqual(PROMPT_TOKENS);
  }
});

test('any other text falls back to known tokens and comes back whole', () => {
  const text = 'ein café — №5!';
  const { ids } = tokenizer.encode(text);
  expect(ids.every((id) => Number.isInteger(id))).toBe(true);
  expect(tokenizer.decode(ids, { skip_special_tokens: true }).replaceAll(' ', '')).toBe(
    text.replaceAll(' ', ''),
  );
});

test('vocab.json and merges.txt agree with tokenizer.json', () => {
  const { model } = JSON.parse(read('tokenizer.json'));
  expect(JSON.parse(read('vocab.json'))).toEqual(model.vocab);
  const merges = read('merges.txt').trim().split('\n').slice(1);
  expect(merges).toEqual(model.merges.map((pair: string[]) => pair.join(' ')));
  expect(Object.values<number>(model.vocab).sort((a, b) => a - b)).toEqual(
    Array.from({ length: Object.keys(model.vocab).length }, (_, id) => id),
  );
});
