import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { sha256 } from '@/db/blobs/store';
import { db, schema } from '@/db/client';
import { ParquetFile } from '@/scripts/export/parquet-file';
import { importFile } from '@/scripts/import/import-file';
import { ParquetRows } from '@/scripts/import/parquet-rows';
import { everything, png, row, withFolder } from './support';

const { path, pictures } = withFolder();

/** Written by pyarrow 25.0.1 and datasets 5.0.1. */
const fixture = (name: string) =>
  fileURLToPath(new URL(`../../fixtures/exchange/${name}.parquet`, import.meta.url));

const told = () => {
  const { samples, pairs, preferences } = schema;
  const images = new Map(
    db()
      .select()
      .from(samples)
      .all()
      .map((one) => [one.id, one.origin]),
  );
  return db()
    .select()
    .from(preferences)
    .all()
    .map(({ pairId, answer, createdAt, leftSampleId }) => {
      const prompt = db()
        .select()
        .from(pairs)
        .all()
        .find(({ id }) => id === pairId)?.prompt;
      return [prompt, answer, createdAt, images.get(leftSampleId)];
    })
    .sort();
};

const second = (i: number) => Date.UTC(2023, 0, 15, 12, 0, i, 123);
const published = ['left', 'right', 'tie'].map((answer, i) => [
  `a hand, no. ${i}`,
  answer,
  second(i),
  'sdxl',
]);

describe('Parquet that others wrote', () => {
  it.each([
    ['as Pick-a-Pic is published: Snappy, bytes, pandas’ index', 'pick-a-pic-snappy'],
    ['as datasets writes images: a structure of bytes and path', 'images'],
    ['the same in Zstandard', 'images-zstd'],
  ])('%s', async (_, name) => {
    const report = await importFile(fixture(name), 'hands');
    expect(report).toMatchObject({
      problems: [],
      added: 3,
      people: 2,
      unlabeled: 1,
      untimed: { missing: 0, unread: 0 },
      images: 6,
      alterations: { converted: 6, scaled: 6, cropped: 6 },
      unit: 'row',
    });
    expect(told()).toEqual(published);
    const ids = db()
      .select()
      .from(schema.preferences)
      .all()
      .map(({ id }) => id);
    expect(ids.sort()).toEqual([0, 1, 2].map((i) => String(2 ** 40 + i)));
    const stored = everything();
    expect(await importFile(fixture(name), 'hands')).toMatchObject({ added: 0, known: 3 });
    expect(everything()).toEqual(stored);
  });

  it('prompt, chosen and rejected: gzip, pages of the second kind, large binaries', async () => {
    expect(await importFile(fixture('triples-gzip'), 'hands')).toMatchObject({
      problems: [],
      added: 2,
      people: 2,
      unnamed: 2,
      images: 4,
    });
    expect(told().map(([prompt, answer]) => [prompt, answer])).toEqual([
      ['a hand, no. 0', 'left'],
      ['a hand, no. 1', 'left'],
    ]);
  });

  it('is known from the same rows in another format', async () => {
    await importFile(fixture('images'), 'hands');
    const stored = everything();
    expect(await importFile(fixture('pick-a-pic-snappy'), 'hands')).toMatchObject({
      added: 0,
      known: 3,
    });
    expect(everything()).toEqual(stored);
  });
});

describe('several files of a folder', () => {
  it('are one set, whose rows count on, and whose hash is that of all bytes', async () => {
    const folder = path('.');
    await copyFile(fixture('pick-a-pic-snappy'), join(folder, 'a.parquet'));
    await copyFile(fixture('triples-gzip'), join(folder, 'b.parquet'));
    expect(await importFile(folder, 'hands')).toMatchObject({ problems: [], added: 5 });
    const rows = await ParquetRows.open(
      folder,
      ['a', 'b'].map((one) => path(`${one}.parquet`)),
    );
    const numbers = [];
    for await (const { number, place, row: read } of rows.rows()) {
      numbers.push(number);
      expect(await rows.again(place)).toEqual(read);
    }
    expect(numbers).toEqual([1, 2, 3, 4, 5, 6]);
    expect(rows.share).toBe(1);
    const bytes = ['a', 'b'].map((one) => readFile(path(`${one}.parquet`)));
    expect(rows.sha256).toBe(sha256(Buffer.concat(await Promise.all(bytes))));
  });

  it('that has none is refused, with what would be right', async () => {
    await expect(importFile(path('.'), 'hands')).rejects.toThrow(
      'a folder without Parquet files, preferences.jsonl or rankings.json. Give the file',
    );
  });
});

describe('what is wrong in Parquet', () => {
  it('is told by row; images beside the file are found, and none outside', async () => {
    const [a] = (await pictures(1)) as [string];
    const rows = [
      row(a, undefined, { jpg_1: png(7) }),
      row(a, '../1.png'),
      row(a, 'gone.png'),
      row(a, undefined, { jpg_1: await sharp(png(8)).gif().toBuffer() }),
      row(a, undefined, { jpg_1: png(8), label_1: 1 }),
      row(a, undefined, { jpg_1: png(8), caption: null }),
    ];
    const file = await ParquetFile.create(path('bad.parquet'), {
      caption: 'string',
      image_0_path: 'string',
      image_1_path: 'string',
      jpg_1: 'binary',
      label_0: 'float64',
      label_1: 'float64',
    });
    for (const one of rows) await file.add(one);
    await file.finish();
    const { problems, unit } = await importFile(path('bad.parquet'), 'hands');
    expect([unit, ...problems.map(({ line, reason }) => [line, reason])]).toEqual([
      'row',
      [2, 'image-missing'],
      [3, 'image-missing'],
      [4, 'image-unreadable'],
      [5, 'labels'],
      [6, 'columns'],
    ]);
    expect(problems.at(-1)?.message).toMatch(/^caption null is missing: give the prompt/);
    expect(await importFile(path('bad.parquet'), 'hands', { skipBad: true })).toMatchObject({
      added: 1,
    });
  });

  it('a file that was cut off, or is none, is named', async () => {
    const whole = await readFile(fixture('images'));
    await writeFile(path('cut.parquet'), whole.subarray(0, whole.length - 400));
    // The footer is there, and its first pages are not.
    const hollow = Buffer.from(whole);
    hollow.fill(0, 4, 3000);
    await writeFile(path('hollow.parquet'), hollow);
    await writeFile(path('short.parquet'), 'PAR1\0\0\0\0PAR1');
    for (const name of ['cut', 'hollow', 'short']) {
      await expect(importFile(path(`${name}.parquet`), 'hands')).rejects.toThrow(
        /\.parquet is a Parquet file that cannot be read \(.+\)\. Fetch it anew, or write it again\.$/,
      );
    }
    expect(everything().map((rows) => rows.length)).toEqual([0, 0, 0, 0, 0]);
  });
});
