import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { families } from '@/lib/families';
import { familyFolder } from '@/tests/support/family-pipelines';
import { openPieceTokenizer } from '@/trainer/diffusion/pipelines/piece-tokenizer';

const t5 = join(familyFolder('tiny-sd3'), 'pipeline/tokenizer_3');
const gemma = join(familyFolder('tiny-sana'), 'pipeline/tokenizer');

it('cuts a prompt of T5 before its end, and pads behind it', async () => {
  const tokenizer = await openPieceTokenizer(t5, { length: 6 });
  const whole = await openPieceTokenizer(t5, { length: 64 });
  const long = whole.read('a photo of a hand with five fingers');
  expect(long.used).toBeGreaterThan(6);
  expect(long.ids[long.used - 1]).toBe(1);
  expect(long.ids.slice(long.used)).toEqual(Array(64 - long.used).fill(0));
  expect(tokenizer.read('a photo of a hand with five fingers')).toEqual({
    ids: [...long.ids.slice(0, 5), 1],
    used: 6,
  });
  expect(tokenizer.room).toBe(5);
  expect(whole.tokensOf('hand') + whole.tokensOf('bone')).toBe(whole.tokensOf('hand bone'));
});

it('cuts a prompt of Gemma at its end, and gives an instruction room of its own', async () => {
  const { instruction } = families.Sana.readings[0]!;
  const tokenizer = await openPieceTokenizer(gemma, { length: 20, lowerCase: true, instruction });
  const short = tokenizer.read('A Hand ');
  expect(short).toEqual(tokenizer.read('a hand'));
  expect(short.ids[0]).toBe(2);
  // 630 with the start: an instruction and 18 more pieces, as diffusers counts them.
  const long = tokenizer.read('a '.repeat(100), true);
  expect([long.ids.length, long.used]).toEqual([630 + 20 - 2, 630 + 20 - 2]);
  expect(tokenizer.room).toBe(18);
  expect(tokenizer.tokensOf('A Hand')).toBe(tokenizer.tokensOf('a hand'));
  expect((await openPieceTokenizer(gemma, { length: 20 })).room).toBe(19);
});

it('is refused where it has no padding, or no tokenizer.json', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pieces-'));
  await cp(t5, folder, { recursive: true });
  await writeFile(join(folder, 'tokenizer_config.json'), '{"pad_token": "<nothing>"}');
  await expect(openPieceTokenizer(folder, { length: 6 })).rejects.toThrow('lacks "<nothing>"');
  await rm(join(folder, 'tokenizer.json'));
  await expect(openPieceTokenizer(folder, { length: 6 })).rejects.toThrow(
    'tokenizer.json does not exist',
  );
  await rm(folder, { recursive: true });
});
