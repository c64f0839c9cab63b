import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { otherKind, pictureKind } from '@/scripts/import/file-kinds';
import { importFile } from '@/scripts/import/import-file';
import { row, withFolder } from './support';

const { path, save } = withFolder();
const line = JSON.stringify(row('a.png', 'b.png'));

describe('a file that holds no answers', () => {
  it.each<[string, Uint8Array | string, RegExp]>([
    ['a.arrow', 'ARROW1\0\0', /is an Arrow file/],
    ['a.jsonl.gz', gzipSync(line), /is packed with gzip, .+gunzip -k '.+a\.jsonl\.gz'$/],
    ['a.zip', 'PK\x03\x04\x14\0', /is a ZIP archive, .+ unzip '/],
    ['a.xlsx', 'PK\x03\x04\x14\0', /is a ZIP archive/],
    ['a.tar', Buffer.concat([Buffer.alloc(257, 'a'), Buffer.from('ustar\0')]), /is a tar archive/],
    ['a.zst', Buffer.from('28b52ffd00', 'hex'), /Zstandard/],
    ['a.bz2', 'BZh91AY', /bzip2/],
    ['a.xz', Buffer.from('fd377a585a0000', 'hex'), /xz/],
    ['a.db', 'SQLite format 3\0', /is an SQLite database/],
    ['a.pkl', Buffer.from('80049500', 'hex'), /Python has saved/],
    ['a.npy', Buffer.from('934e554d505901', 'hex'), /Python has saved/],
    ['a.json', `{\n  "caption": "1 hand"\n}`, /is JSON over several lines/],
    ['a.json', `{"data": [\n  ${line}\n]}`, /is JSON over several lines/],
    ['a.csv', 'caption,label_0,label_1\n1 hand,1,0\n', /is a table \(CSV or TSV\), .+duckdb/],
    ['a.tsv', '"caption"\t"label_0"\n1 hand\t1\n', /is a table/],
    ['a.jsonl', Buffer.from(`\uFEFF${line}`, 'utf16le'), /is text in UTF-16.+ Save it as UTF-8/],
    ['a.jsonl', '', /is empty/],
    ['a.jsonl', '\n \n', /is empty/],
    [
      'a.jsonl',
      'version https://git-lfs.github.com/spec/v1\noid sha256:00\n',
      /Git LFS .+ git lfs pull/,
    ],
    ['a.jsonl', '<!doctype html><html>', /is a page/],
    ['a.bin', Buffer.from([1, 2, 0, 3]), /is no text/],
  ])('%s %#', async (name, bytes, said) => {
    await save(name, bytes);
    const told = await otherKind(path(name));
    expect(told).toMatch(said);
    expect(told).not.toContain('\n');
    await expect(importFile(path(name), 'hands')).rejects.toThrow(said);
  });

  it.each(['png', 'jpeg', 'webp'] as const)('a picture: %s', async (format) => {
    const picture = sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } });
    await save('a.bin', await picture.toFormat(format).toBuffer());
    await expect(otherKind(path('a.bin'))).resolves.toMatch(/is a \w+, not a file of answers/);
  });
});

describe('JSON', () => {
  it.each([
    ['one row', line],
    ['a mark at the beginning, and empty lines', `\uFEFF\n\n${line}\n`],
    ['a hopeless first row', `oops\n${line}`],
    ['a first row that is an array', `[]\n${line}`],
    ['an array', `[\n  ${line},\n  ${line}\n]`],
    ['a row of one column', '{"caption": "1 hand"}'],
    ['a broken first row', `{"caption": "1 hand\n${line}`],
  ])('%s', async (_, text) => {
    await save('a.jsonl', text);
    expect(await otherKind(path('a.jsonl'))).toBeNull();
  });
});

it('knows pictures by their first bytes, and nothing else', () => {
  const named = (hex: string) => pictureKind(Buffer.from(hex, 'hex'));
  expect(named('474946383961')).toBe('a GIF');
  expect(named('0000002066747970617669660000')).toBe('an AVIF');
  expect(named('00000018667479706865696300')).toBe('a HEIC');
  expect(named('ff0aff')).toBe('a JPEG XL');
  expect(named('7b22')).toBeUndefined();
});
