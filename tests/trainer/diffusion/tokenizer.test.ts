import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSafetensors } from '@/trainer/diffusion/safetensors';
import { ClipTokenizer } from '@/trainer/diffusion/tokenizer';
import { goldenFolder, goldenTensor } from '../../support/golden';

describe('against transformers', () => {
  it('gives the ids of every golden prompt', async () => {
    const folder = goldenFolder;
    const { prompts } = JSON.parse(await readFile(join(folder, 'parity/golden.json'), 'utf8'));
    const { tensors } = await readSafetensors(join(folder, 'parity/text.safetensors'));
    const tokenizer = await ClipTokenizer.open(join(folder, 'tiny-sd/tokenizer'));
    expect(tokenizer.encodeAll(prompts)).toEqual(goldenTensor(tensors, 'input_ids'));
  });
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
