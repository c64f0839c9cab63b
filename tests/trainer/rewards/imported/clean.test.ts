import { expect, it } from 'vitest';
import { cleanAsOpenClip } from '@/trainer/rewards/imported/clean';

// As basic_clean in HPSv2's tokenizer.py gives them: ftfy.fix_text, then html.unescape twice.
it.each([
  ['he’s', "he's"],
  ['“cat”', '"cat"'],
  ['a hand，five fingers', 'a hand,five fingers'],
  ['ＡＢＣ', 'ABC'],
  ['ﬁve ﬂowers', 'five flowers'],
  ['a&amp;b', 'a&b'],
  ['a&amp;amp;amp;b', 'a&b'],
  ['<i>&amp;lt;</i>', '<i><</i>'],
  ['sâ€™s', "s's"],
  ['cafe\u0301', 'café'],
  ['a\u0007b', 'ab'],
  ['  1 hand, red sleeve ', '1 hand, red sleeve'],
])('%j is read as %j', (prompt, read) => {
  expect(cleanAsOpenClip(prompt)).toBe(read);
});
