import { describe, expect, it } from 'vitest';
import { sha256 } from '@/db/blobs/store';
import { LineFile } from '@/scripts/import/lines';
import { withFolder } from './support';

const { path, save } = withFolder();

async function linesOf(text: string, pieces: 'lines' | 'items' = 'lines') {
  await save('a.jsonl', text);
  const file = new LineFile(path('a.jsonl'), pieces);
  const lines = [];
  for await (const line of file.lines()) lines.push(line);
  return { file, lines };
}

describe('a file of lines', () => {
  it.each([
    ['with an end', 'one\ntwo\n', ['one', 'two']],
    ['without an end', 'one\ntwo', ['one', 'two']],
    ['of Windows', 'one\r\ntwo\r\n', ['one\r', 'two\r']],
    ['with empty lines', '\n\none\n\n', ['', '', 'one', '']],
    ['with a mark at its beginning only', '\uFEFFone\n\uFEFFtwo', ['one', '\uFEFFtwo']],
    ['with letters of several bytes', '✓ é\n手 ✋', ['✓ é', '手 ✋']],
    [
      'longer than what is read at once',
      `${'é'.repeat(2 ** 20)}\n${'b'.repeat(2 ** 21)}\nc`,
      ['é'.repeat(2 ** 20), 'b'.repeat(2 ** 21), 'c'],
    ],
    ['of nothing', '', []],
  ])('%s is read, and any line again', async (_, text, wanted) => {
    const { file, lines } = await linesOf(text);
    expect(lines.map((line) => line.text)).toEqual(wanted);
    expect(lines.map(({ number }) => number)).toEqual(wanted.map((__, i) => i + 1));
    expect(await Promise.all(lines.map((line) => file.again(line)))).toEqual(wanted);
    expect(file.sha256).toBe(sha256(Buffer.from(text)));
    await file.close();
  });

  it('has no hash before it was read to its end', () => {
    expect(() => new LineFile(path('a.jsonl')).sha256).toThrow(/has not been read/);
  });
});

describe('a file that is one array', () => {
  it.each([
    ['in one line', '[{"a":1},{"b":[2,{"c":"]"}]}]', ['{"a":1}', '{"b":[2,{"c":"]"}]}']],
    ['over many', '\uFEFF [\n  {\n "a": 1 },\n\n  7 ,"x"\n]\n', ['{\n "a": 1 }', '7 ', '"x"\n']],
    [
      'with brackets in texts',
      String.raw`["a\"],[", {"\\": "}"}]`,
      [String.raw`"a\"],["`, String.raw`{"\\": "}"}`],
    ],
    ['with Python’s numbers', '[{"rank":NaN}, -Infinity]', ['{"rank":NaN}', '-Infinity']],
    [
      'longer than what is read at once',
      `["${'é'.repeat(2 ** 20)}", "${'b'.repeat(2 ** 21)}",\n1]`,
      [`"${'é'.repeat(2 ** 20)}"`, `"${'b'.repeat(2 ** 21)}"`, '1'],
    ],
    ['of nothing', ' [ ] ', []],
  ])('%s is read, and any item again', async (_, text, wanted) => {
    const { file, lines } = await linesOf(text, 'items');
    expect(lines.map((line) => line.text)).toEqual(wanted);
    expect(lines.map(({ number }) => number)).toEqual(wanted.map((__, i) => i + 1));
    expect(await Promise.all(lines.map((line) => file.again(line)))).toEqual(wanted);
    expect(file.sha256).toBe(sha256(Buffer.from(text)));
    await file.close();
  });

  it.each(['[{"a": 1}, {"b"', '[1, 2', '["a]'])('that is cut off is refused: %s', async (text) => {
    await expect(linesOf(text, 'items')).rejects.toThrow(/a\.jsonl ends in the middle of its JSON/);
  });
});
