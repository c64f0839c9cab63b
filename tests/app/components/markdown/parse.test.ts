import { describe, expect, it } from 'vitest';
import { parseBlocks, parseSpans } from '@/app/components/markdown/parse';

describe('blocks', () => {
  it('are headings, lists and paragraphs', () => {
    const text =
      '# Title\nRight below.\n\n- one\n- two\n  and more\n\n1. first\n2. second\n\n## Sub';
    expect(parseBlocks(text)).toEqual([
      { kind: 'heading', level: 2, text: 'Title' },
      { kind: 'paragraph', text: 'Right below.' },
      { kind: 'list', ordered: false, items: ['one', 'two and more'] },
      { kind: 'list', ordered: true, items: ['first', 'second'] },
      { kind: 'heading', level: 3, text: 'Sub' },
    ]);
  });

  it('leave anything else as text, markup included', () => {
    expect(parseBlocks('<script>alert(1)</script>')).toEqual([
      { kind: 'paragraph', text: '<script>alert(1)</script>' },
    ]);
    expect(parseBlocks(' \n\n ')).toEqual([]);
  });
});

it('finds strong words, emphasis and code', () => {
  expect(parseSpans('Count **five**, *really*, or `n`. 2 * 3 ** 4')).toEqual([
    { look: 'plain', text: 'Count ' },
    { look: 'strong', text: 'five' },
    { look: 'plain', text: ', ' },
    { look: 'emphasis', text: 'really' },
    { look: 'plain', text: ', or ' },
    { look: 'code', text: 'n' },
    { look: 'plain', text: '. 2 * 3 ** 4' },
  ]);
});
