import { expect, test } from 'vitest';
import { CAPTION_RATES, writeCaption } from '@/trainer/hands/captions';
import {
  BARE_PROMPT,
  drawPrompts,
  EVALUATION_PROMPTS,
  parsePrompt,
  TRAINING_PROMPTS,
  writePrompt,
} from '@/trainer/hands/prompts';
import type { Attributes } from '@/trainer/hands/world/attributes';
import { createRandom } from '@/trainer/random';

const WISH: Attributes = { skin: 'dark', sleeve: 'red', background: 'blue', pose: 'tilted left' };

test('a prompt says what is wanted and is read back', () => {
  expect(writePrompt(WISH)).toBe('1 hand, dark skin, red sleeve, blue background, tilted left');
  expect(parsePrompt(writePrompt(WISH))).toEqual(WISH);
  expect(parsePrompt('  1 hand,  DARK  skin, on mars')).toEqual({ skin: 'dark' });
  expect(parsePrompt(BARE_PROMPT)).toEqual({});
});

test('training and evaluation prompts cover all combinations and never meet', () => {
  const all = new Set([...TRAINING_PROMPTS, ...EVALUATION_PROMPTS]);
  expect(all.size).toBe(5 * 6 * 6 * 3);
  expect(TRAINING_PROMPTS.length + EVALUATION_PROMPTS.length).toBe(all.size);
  expect(EVALUATION_PROMPTS.length / all.size).toBeCloseTo(0.2, 2);
});

test('every attribute value is evaluated about equally often', () => {
  const counts = new Map<string, number>();
  for (const prompt of EVALUATION_PROMPTS) {
    for (const [key, value] of Object.entries(parsePrompt(prompt))) {
      counts.set(`${key} ${value}`, (counts.get(`${key} ${value}`) ?? 0) + 1);
    }
  }
  expect(counts.size).toBe(5 + 6 + 6 + 3);
  for (const [name, count] of counts) {
    const values = { skin: 5, sleeve: 6, background: 6, pose: 3 }[name.split(' ')[0]!] ?? 1;
    expect(Math.abs(count - EVALUATION_PROMPTS.length / values)).toBeLessThanOrEqual(4);
  }
});

test('drawn prompts repeat only after all have come', () => {
  const drawn = drawPrompts(createRandom(1), ['a', 'b', 'c'], 7);
  expect(new Set(drawn.slice(0, 3)).size).toBe(3);
  expect(new Set(drawn.slice(3, 6)).size).toBe(3);
  expect(drawn).toHaveLength(7);
});

test('captions name attributes in any order', () => {
  const random = createRandom(6);
  const lasts = Array.from({ length: 200 }, () => writeCaption(random, WISH).split(', ').at(-1));
  for (const ending of [/skin$/, /sleeve$/, /background$/, /^(upright|tilted)/]) {
    expect(lasts.filter((last) => ending.test(last ?? '')).length).toBeGreaterThan(25);
  }
});

test('captions are missing and wrong as often as asked, and never mention a defect', () => {
  const random = createRandom(5);
  let bare = 0;
  let missing = 0;
  let wrong = 0;
  let mentioned = 0;
  const count = 4000;
  for (let index = 0; index < count; index++) {
    const caption = writeCaption(random, WISH);
    expect(caption).not.toMatch(/finger|blood|deformed|[2-9]/);
    if (caption === BARE_PROMPT) {
      bare++;
      continue;
    }
    const said = parsePrompt(caption);
    for (const [key, value] of Object.entries(WISH)) {
      const got = said[key as keyof Attributes];
      if (got === undefined) missing++;
      else {
        mentioned++;
        if (got !== value) wrong++;
      }
    }
  }
  expect(bare / count).toBeCloseTo(CAPTION_RATES.bare, 1);
  expect(missing / (4 * (count - bare))).toBeCloseTo(CAPTION_RATES.missing, 1);
  expect(Math.abs(wrong / mentioned - CAPTION_RATES.wrong)).toBeLessThan(0.02);
});
