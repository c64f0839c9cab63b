import { expect, it } from 'vitest';
import { promptCuts, promptCutText } from '@/lib/prompt-cuts';

/** A token for every three letters of a word. */
const measure = {
  room: 4,
  tokensOf: (text: string) =>
    text.split(/\s+/).reduce((sum, word) => sum + Math.ceil(word.length / 3), 0),
};

it('tells the prompts that do not fit, and where each ends for the model', () => {
  const prompts = ['a b c d', 'a  b c d e', 'one three four', '', '  '];
  expect(promptCuts(prompts, measure)).toEqual([
    { prompt: 'a  b c d e', tokens: 5, kept: 'a  b c d', lost: 'e' },
    // The third word would fit in part.
    { prompt: 'one three four', tokens: 5, kept: 'one three', lost: 'four' },
  ]);
  expect(promptCuts(['abcdefghijklmno'], measure)).toMatchObject([{ kept: '', tokens: 5 }]);
});

it('says so in a sentence, or nothing', () => {
  const text = (prompts: string[]) =>
    promptCutText(promptCuts(prompts, measure), prompts.length, measure.room);
  expect(text(['a', 'b'])).toBeNull();
  expect(text(['a', 'a b c d e'])).toBe(
    '1 of 2 prompts is longer than the 4 tokens that reach the model. It ends for it after “a b c d”; it never sees “e”. People judge by the whole text: shorten it.',
  );
  expect(text(['a b c d e', 'f g h i j'])).toContain('2 of 2 prompts are longer');
  const long = text([`a b c d ${'long '.repeat(40)}`]) as string;
  expect(long.length).toBeLessThan(300);
});
