import { expect, it } from 'vitest';
import { promptCuts, promptCutText } from '@/lib/text/prompt-cuts';

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
  const text = (prompts: string[]) => {
    const cuts = promptCuts(prompts, measure);
    const summary = { cut: cuts.length, first: cuts[0] ?? null, room: measure.room };
    return promptCutText(summary, prompts.length);
  };
  expect(text(['a', 'b'])).toBeNull();
  expect(text(['a', 'a b c d e'])).toBe(
    '1 of 2 prompts is longer than the 4 tokens that reach the model. It is cut after “a b c d”: the model never reads all of “e”, by which people judge. Shorten it.',
  );
  expect(text(['a b c d e', 'f g h i j'])).toMatch(/^2 of 2 prompts are .+ The first is .+them\.$/);
  expect(text(['abcdefghijklmno'])).toMatch(/^The prompt is .+ It is cut in its first word/);
  const long = text([`a b c d ${'long '.repeat(40)}`]) as string;
  expect(long.length).toBeLessThan(300);
});
