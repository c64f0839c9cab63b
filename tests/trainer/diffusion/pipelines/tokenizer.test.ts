import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { goldenFolder, goldenTensor } from '@/tests/support/golden';
import { ClipTokenizer } from '@/trainer/diffusion/pipelines/tokenizer';
import { readSafetensors } from '@/trainer/formats/safetensors';

describe('against transformers', () => {
  const of = join(goldenFolder, 'tiny-sd/tokenizer');

  async function expectGolden(folder: string): Promise<void> {
    const { prompts } = JSON.parse(
      await readFile(join(goldenFolder, 'parity/golden.json'), 'utf8'),
    );
    const { tensors } = await readSafetensors(join(goldenFolder, 'parity/text.safetensors'));
    const tokenizer = await ClipTokenizer.open(folder);
    expect(tokenizer.encodeAll(prompts)).toEqual(goldenTensor(tensors, 'input_ids'));
    for (const prompt of prompts) {
      const words = prompt.split(/\s+/).map((word: string) => tokenizer.tokensOf(word));
      const sum = words.reduce((total: number, tokens: number) => total + tokens, 0);
      expect(sum).toBe(tokenizer.tokensOf(prompt));
    }
  }

  it('gives the ids of every golden prompt', () => expectGolden(of));

  it.each(['pairs', 'strings'])(
    'gives them from tokenizer.json alone, its merges as %s',
    async (form) => {
      const folder = await mkdtemp(join(tmpdir(), 'tokenizer-'));
      const config = 'tokenizer_config.json';
      await copyFile(join(of, config), join(folder, config));
      const json = JSON.parse(await readFile(join(of, 'tokenizer.json'), 'utf8'));
      const pairs = json.model.merges.map((merge: string | string[]) =>
        typeof merge === 'string' ? merge.split(' ') : merge,
      );
      expect(pairs.length).toBeGreaterThan(400);
      json.model.merges = form === 'pairs' ? pairs : pairs.map((pair: string[]) => pair.join(' '));
      await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(json));
      await expectGolden(folder);
      await rm(folder, { recursive: true });
    },
  );
});

describe('a small vocabulary', () => {
  let folder: string;
  const write = (name: string, text: string) => writeFile(join(folder, name), text);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tokenizer-'));
    const pieces = ['a', 'b', 'a</w>', 'b</w>', 'ab</w>', '<|startoftext|>', '<|endoftext|>', '!'];
    await write('vocab.json', JSON.stringify(Object.fromEntries(pieces.map((p, i) => [p, i]))));
    await write('merges.txt', '#version: 0.2\na b</w>\n');
    await write('tokenizer_config.json', '{"model_max_length": 6}');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('joins pieces, marks the ends of words, and pads', async () => {
    const tokenizer = await ClipTokenizer.open(folder);
    expect(tokenizer.encode(' AB  a')).toEqual([5, 4, 2, 6, 6, 6]);
    expect(tokenizer.encode('')).toEqual([5, 6, 6, 6, 6, 6]);
  });

  it('cuts long prompts, keeping the end token', async () => {
    const tokenizer = await ClipTokenizer.open(folder);
    expect(tokenizer.encode('a b ab a b a b')).toEqual([5, 2, 3, 4, 2, 6]);
  });

  it('pads with another token where the export says so', async () => {
    await write('tokenizer_config.json', '{"model_max_length":4,"pad_token":{"content":"!"}}');
    expect((await ClipTokenizer.open(folder)).encode('a')).toEqual([5, 2, 6, 7]);
  });

  it('takes what transformers 5 leaves unsaid for what CLIP has', async () => {
    await write(
      'tokenizer_config.json',
      '{"backend":"tokenizers","model_max_length":1000000000000000019884624838656,"pad_token":null}',
    );
    const tokenizer = await ClipTokenizer.open(folder);
    expect(tokenizer.maxLength).toBe(77);
    expect(tokenizer.encode('a').slice(0, 4)).toEqual([5, 2, 6, 6]);
  });

  it('finds the tokens that were added to tokenizer.json', async () => {
    const vocab = JSON.parse(await readFile(join(folder, 'vocab.json'), 'utf8'));
    const model = { type: 'BPE', end_of_word_suffix: '</w>', vocab, merges: [['a', 'b</w>']] };
    const added_tokens = [{ id: 8, content: '<hand>', normalized: true }];
    await rm(join(folder, 'vocab.json'));
    await write('tokenizer.json', JSON.stringify({ model, added_tokens }));
    const tokenizer = await ClipTokenizer.open(folder);
    expect(tokenizer.encode('ab <hand> a')).toEqual([5, 4, 8, 2, 6, 6]);
    await write(
      'tokenizer.json',
      JSON.stringify({ model: { ...model, end_of_word_suffix: null } }),
    );
    await expect(ClipTokenizer.open(folder)).rejects.toThrow('marks the end of a word by "</w>"');
    await write('tokenizer.json', JSON.stringify({ model: { ...model, merges: ['ab'] } }));
    await expect(ClipTokenizer.open(folder)).rejects.toThrow('a merge is a pair of pieces');
  });

  it('says what is missing or wrong', async () => {
    await write('tokenizer_config.json', '{"pad_token":"<pad>"}');
    await expect(ClipTokenizer.open(folder)).rejects.toThrow('lacks "<pad>"');
    await write('tokenizer_config.json', '{"model_max_length":"long"}');
    await expect(ClipTokenizer.open(folder)).rejects.toThrow('model_max_length');
    await write('tokenizer_config.json', '{');
    await expect(ClipTokenizer.open(folder)).rejects.toThrow('tokenizer_config.json is no JSON');
    await write('tokenizer_config.json', '{}');
    await rm(join(folder, 'merges.txt'));
    await expect(ClipTokenizer.open(folder)).rejects.toThrow('merges.txt does not exist');
  });
});
