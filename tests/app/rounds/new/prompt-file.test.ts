import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { promptsOfFile } from '@/app/rounds/new/prompt-file';
import { toldPrompts } from '@/lib/exchange/prompt-list';

const file = (name: string, ...parts: BlobPart[]) => new File(parts, name);
const fixture = (name: string) =>
  file(name, readFileSync(new URL(`../../../fixtures/exchange/${name}`, import.meta.url)));
const promptsOf = async (chosen: File, known: string[] = []) =>
  (await promptsOfFile(chosen, known)).prompts;

describe('prompts come from', () => {
  it.each<[string, File, string[]]>([
    ['text', file('a.txt', '1 hand\r\n\n  2 hands \n1 hand\n'), ['1 hand', '2 hands']],
    [
      'text that looks like JSON',
      file('a.txt', '[photo] of a hand\n{a}'),
      ['[photo] of a hand', '{a}'],
    ],
    [
      'text without an ending',
      file('prompts', '1 hand, red sleeve\n2 hands'),
      ['1 hand, red sleeve', '2 hands'],
    ],
    [
      'CSV',
      file('a.csv', '\uFEFFid,Prompt\n1,"1 hand, ""red"""\n2,"2\nhands"\n'),
      ['1 hand, "red"', '2 hands'],
    ],
    ['CSV of semicolons', file('a.csv', 'prompt;n\n1 hand;3\n'), ['1 hand']],
    [
      'CSV of one column, whatever it is called',
      file('a.csv', 'words\n1 hand\n2 hands'),
      ['1 hand', '2 hands'],
    ],
    ['TSV without that ending', file('a', 'n\tcaption\n1\t1 hand\n'), ['1 hand']],
    [
      'an array of JSON',
      file('a.json', '[\n"1 hand", {"text": "2 hands"}]'),
      ['1 hand', '2 hands'],
    ],
    [
      'lines of JSON',
      file('a.jsonl', '{"caption":"1 hand","n":NaN}\n\n{"caption":"2 hands"}'),
      ['1 hand', '2 hands'],
    ],
    [
      'Pick-a-Pic, each once',
      fixture('pick-a-pic-snappy.parquet'),
      [0, 1, 2, 3].map((i) => `a hand, no. ${i}`),
    ],
    [
      'Parquet in Zstandard',
      fixture('images-zstd.parquet'),
      [0, 1, 2, 3].map((i) => `a hand, no. ${i}`),
    ],
    ['Parquet in gzip', fixture('triples-gzip.parquet'), [0, 1].map((i) => `a hand, no. ${i}`)],
  ])('%s', async (_, chosen, wanted) => {
    expect(await promptsOf(chosen)).toEqual(wanted);
  });
});

it.each(['snappy', 'gzip', 'zstd', 'brotli', 'lz4'])(
  'Parquet packed by %s is read without WebAssembly, which pages may not compile',
  async (codec) => {
    const { compile, Module } = WebAssembly;
    const forbidden = () => {
      throw new Error('WebAssembly is not allowed.');
    };
    Object.assign(WebAssembly, { compile: forbidden, Module: forbidden });
    try {
      const wanted = Array.from({ length: 6 }, (_, i) => `${i} hands of a person, no. ${i % 3}`);
      expect(await promptsOf(fixture(`prompts-${codec}.parquet`))).toEqual(wanted);
    } finally {
      Object.assign(WebAssembly, { compile, Module });
    }
  },
);

it('what is left out is counted and told', async () => {
  const values = ['1 hand', '1 hand', '', null, 7, 'x'.repeat(1001), '2 hands', 'x'.repeat(1000)];
  const list = await promptsOfFile(file('a.json', JSON.stringify(values)), ['2 hands']);
  expect(list).toMatchObject({ empty: 3, repeated: 2, long: 1, over: 0 });
  expect(list.prompts).toEqual(['1 hand', 'x'.repeat(1000)]);
  expect(toldPrompts(list, 'a.json')).toBe(
    '2 prompts from a.json; left out: 2 repeated, 3 empty, 1 longer than 1,000 characters',
  );
  const many = Array.from({ length: 100_003 }, (_, i) => `hand ${i}`).join('\n');
  const most = await promptsOfFile(file('a.txt', many), ['known']);
  expect(most.prompts).toHaveLength(99_999);
  expect(toldPrompts(most, 'a.txt')).toBe(
    '99,999 prompts from a.txt; left out: 4 beyond the 100,000 that a run takes',
  );
});

describe('a file without prompts is refused, with what would be right:', () => {
  it.each<[string, File, RegExp]>([
    [
      'columns of other names',
      file('a.csv', 'id,words\n1,hand\n'),
      /no column called caption, prompt or text; its columns: id, words\. Give/,
    ],
    ['the same in JSON', file('a.jsonl', '{"id":1,"words":"hand"}'), /its columns: id, words/],
    ['nothing', file('a.txt', ' \n'), /a\.txt holds no prompts/],
    [
      'bytes',
      file('a.png', Uint8Array.from([137, 80, 0, 1])),
      /a\.png is no text in UTF-8\. Choose a file of text, CSV, JSON or Parquet/,
    ],
    [
      'letters of another encoding',
      file('a.txt', Uint8Array.from([104, 233, 104])),
      /is no text in UTF-8/,
    ],
    ['broken JSON', file('a.json', '["1 hand"'), /a\.json is no JSON \(.+\)/],
    [
      'a broken line',
      file('a.jsonl', '{"prompt":"a"}\n{"prompt'),
      /Line 2 of a\.jsonl is no JSON object/,
    ],
    [
      'a Parquet file that was cut off',
      file('a.parquet', 'PAR1\0\0\0\0PAR'),
      /a\.parquet is a Parquet file that cannot be read/,
    ],
    [
      'text past what a browser should hold',
      file('a.txt', new Uint8Array(2 ** 26 + 1).fill(97)),
      /a\.txt has 65 MiB, more than 64\. Divide it, or save it as Parquet/,
    ],
  ])('%s', async (_, chosen, said) => {
    await expect(promptsOf(chosen)).rejects.toThrow(said);
  });
});
