import { describe, expect, it } from 'vitest';
import { answerIn, importedRowSchema, isUnlabeled, objectIn } from '@/lib/exchange/imported-row';

const least = { caption: ' 1 hand ', label_0: 1, label_1: 0 };

describe('a line', () => {
  it('is one object; what Python writes for no number is nothing', () => {
    expect(objectIn('{"a": 1}')).toEqual({ a: 1 });
    expect(
      objectIn('{"a": NaN, "b": [-Infinity, Infinity, 1], "c": "NaN, \\"Infinity\\" -Infinity"}'),
    ).toEqual({
      a: null,
      b: [null, null, 1],
      c: 'NaN, "Infinity" -Infinity',
    });
    for (const text of [
      '[]',
      'null',
      '1',
      '"a"',
      '{',
      '',
      "{'a': 1}",
      '{"a": NaNa}',
      '{"a": undefined}',
    ]) {
      expect(objectIn(text)).toBeNull();
    }
  });

  it('keeps whole numbers that JavaScript’s cannot hold', () => {
    const text =
      '{"user_id": 1099511627776000001, "n": [-12345678901234567890], "s": "a, 1099511627776000001", "f": 0.12345678901234567, "e": 12345678901234567e3, "small": 7}';
    expect(objectIn(text)).toEqual({
      user_id: '1099511627776000001',
      n: ['-12345678901234567890'],
      s: 'a, 1099511627776000001',
      f: Number('0.12345678901234567'),
      e: Number('12345678901234567e3'),
      small: 7,
    });
  });

  it('may hold megabytes beside it', () => {
    const jpg = 'A'.repeat(2 ** 23);
    expect(objectIn(`{"jpg_0": "${jpg}", "label_0": NaN}`)).toEqual({ jpg_0: jpg, label_0: null });
    const escaped = String.raw`\xFF`.repeat(2 ** 18).replaceAll('\\', '\\\\');
    expect(objectIn(`{"jpg_0": "${escaped}", "label_0": NaN}`)?.label_0).toBeNull();
  });
});

describe('a row', () => {
  it('needs a caption and labels; all else is null where it is missing, empty or none', () => {
    const bare = importedRowSchema.parse(least);
    expect(bare).toMatchObject({
      caption: '1 hand',
      user_id: null,
      ranking_id: null,
      purpose: 'training',
      held_back: false,
    });
    const blank = {
      user_id: '',
      ranking_id: ' ',
      model_0: 'None',
      image_0_path: null,
      answer: 'nan',
      decision_ms: '',
    };
    expect(importedRowSchema.parse({ ...least, ...blank })).toMatchObject({
      user_id: null,
      ranking_id: null,
      model_0: null,
      image_0_path: null,
      answer: null,
      decision_ms: null,
    });
    expect(
      importedRowSchema.parse({ ...least, user_id: 0, ranking_id: 7, held_back: 'True' }),
    ).toMatchObject({
      user_id: '0',
      ranking_id: '7',
      held_back: true,
    });
  });

  it.each<[object, RegExp]>([
    [{ caption: 7 }, /is missing: give the prompt/],
    [{ caption: ' ' }, /is empty/],
    [{ caption: 'a'.repeat(10_001) }, /more than 10,000 characters/],
    [{ user_id: 1.5 }, /is no name: .+ or a whole number/],
    [{ user_id: 2 ** 60 }, /is no name/],
    [{ label_0: 'better' }, /is no number: give 1, 0 or 0\.5/],
    [{ label_0: undefined }, /is no number/],
    [{ jpg_0: [1, 2] }, /holds no bytes as base64/],
  ])('%j is refused', (more, said) => {
    const { error } = importedRowSchema.safeParse({ ...least, ...more });
    expect(error?.issues).toHaveLength(1);
    expect(error?.issues[0]?.message).toMatch(said);
  });

  it('says what its labels say', () => {
    const answer = (label_0: unknown, label_1: unknown, answer?: string) =>
      answerIn(importedRowSchema.parse({ ...least, label_0, label_1, answer }));
    expect(answer(1, 0)).toBe('left');
    expect(answer('0.0', '1.0')).toBe('right');
    expect(answer(true, false)).toBe('left');
    expect(answer(0.5, 0.5)).toBe('tie');
    expect(answer(0.5, 0.5, 'both-bad')).toBe('both-bad');
    expect(answer(1, 0, 'right')).toBeNull();
    expect(answer(1, 1)).toBeNull();
    expect(answer(-1, -1)).toBeNull();
  });
});

it('a row is unlabeled where it says so, or where both labels are there and empty', () => {
  for (const row of [
    { has_label: false },
    { has_label: 'false', label_0: 1 },
    { has_label: 0 },
    { label_0: null, label_1: '' },
    { has_label: null, label_0: 'nan', label_1: null },
  ]) {
    expect(isUnlabeled(row)).toBe(true);
  }
  for (const row of [
    {},
    least,
    { has_label: true, label_0: null, label_1: null },
    { label_0: null },
    { has_label: 1.0 },
  ]) {
    expect(isUnlabeled(row)).toBe(false);
  }
});
