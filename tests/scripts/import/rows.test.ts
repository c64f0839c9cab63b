import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { getBlob } from '@/db/blobs/blobs';
import { blobPath } from '@/db/blobs/folder';
import { db, schema } from '@/db/client';
import { importFile } from '@/scripts/import/import-file';
import { toldReport } from '@/scripts/import/report';
import { decodePng } from '@/trainer/diffusion/images/png';
import { everything, png, row, withFolder } from './support';

const { fileOf, path, pictures, save } = withFolder();

const answers = () => db().select().from(schema.preferences).all();
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

describe('a time', () => {
  it('in whatever form comes in; one that is none is counted, and its row comes in', async () => {
    const [a, b] = (await pictures(2)) as [string, string];
    const noon = Date.UTC(2023, 0, 15, 12);
    const written = [
      noon,
      noon / 1000,
      `${noon}000`,
      '2023-01-15 12:00:00+00',
      '2023-01-15T12:00:00',
    ];
    const rows = [...written, 'yesterday', '', null, 20230115].map((created_at, i) =>
      row(a, b, { created_at, user_id: i }),
    );
    const file = await fileOf([...rows, row(a, b, { user_id: 'z' })]);
    const before = Date.now();
    const report = await importFile(file, 'hands');
    expect(report).toMatchObject({ problems: [], added: 10 });
    expect(report.untimed).toEqual({
      missing: 3,
      unread: 2,
      example: { line: 11, written: '"yesterday"' },
    });
    const times = answers().map(({ createdAt }) => createdAt);
    expect(times.filter((time) => time === noon)).toHaveLength(5);
    expect(times.filter((time) => time >= before)).toHaveLength(5);
    const stored = everything();
    expect(await importFile(file, 'hands')).toMatchObject({ added: 0, known: 10 });
    expect(everything()).toEqual(stored);
  });
});

describe('images of any kind', () => {
  it('come in beside PNGs of the pipeline’s own size; what was altered is counted', async () => {
    const [a] = (await pictures(1)) as [string];
    const photo = sharp({ create: { width: 100, height: 80, channels: 3, background: 'red' } });
    const others = await Promise.all([
      save('photo.jpg', await photo.clone().jpeg().toBuffer()),
      save('web.webp', await photo.clone().resize(64, 64).webp({ lossless: true }).toBuffer()),
      save('small.png', png(9, 32, 64)),
    ]);
    const file = await fileOf(others.map((other) => row(a, other, { user_id: 1 })));
    expect(await importFile(file, 'hands', { fit: 'pad' })).toMatchObject({
      problems: [],
      added: 3,
      images: 4,
      altered: 3,
      alterations: { converted: 3, scaled: 2, padded: 2 },
    });
    for (const { imageBlob, width, height } of db().select().from(schema.samples).all()) {
      expect([width, height]).toEqual([64, 64]);
      expect(decodePng(await getBlob(imageBlob), 'blob')).toMatchObject({ width: 64, height: 64 });
    }
    const stored = everything();
    expect(await importFile(file, 'hands', { fit: 'pad' })).toMatchObject({ added: 0, known: 3 });
    expect(everything()).toEqual(stored);
  });

  it('heal what was lost or damaged when they come again', async () => {
    const [a, b] = (await pictures(2)) as [string, string];
    await save('photo.jpg', await sharp(png(5)).jpeg().toBuffer());
    const file = await fileOf([row(a, b), row(a, 'photo.jpg')]);
    await importFile(file, 'hands');
    const blobs = db()
      .select()
      .from(schema.samples)
      .all()
      .map(({ imageBlob }) => imageBlob);
    expect(new Set(blobs).size).toBe(3);
    await writeFile(blobPath(blobs[0]!), 'damaged');
    for (const blob of blobs.slice(1)) await rm(blobPath(blob));
    expect(await importFile(file, 'hands')).toMatchObject({ added: 0, known: 2 });
    for (const blob of blobs) expect(await getBlob(blob)).toBeDefined();
  });

  it('may stand in the lines, as base64 and as objects of bytes', async () => {
    const jpeg = await sharp(png(200)).jpeg().toBuffer();
    const inline = (first: unknown, second: unknown) => ({
      ...row(undefined, undefined),
      jpg_0: first,
      jpg_1: second,
    });
    const file = await fileOf([
      inline(base64(png(1)), base64(png(2))),
      inline(`data:image/png;base64,${base64(png(3))}`, { bytes: base64(jpeg), path: null }),
      inline(base64(png(1)), base64(jpeg)),
    ]);
    expect(await importFile(file, 'hands')).toMatchObject({
      problems: [],
      added: 3,
      images: 4,
      altered: 1,
    });
    const bad = await fileOf(
      [
        inline(String.raw`\xFF\xD8\xFF\xE0`, base64(png(2))),
        inline('', base64(png(2))),
        inline('§', base64(png(2))),
        inline(base64(Buffer.from('no picture')), base64(png(2))),
        inline(7, base64(png(2))),
        { ...row(undefined, '1.png'), image_0_url: 'https://example.org/a.png' },
        row('s3://bucket/a.png', '1.png'),
      ],
      'bad.jsonl',
    );
    const { problems } = await importFile(bad, 'hands');
    expect(problems.map(({ message }) => message)).toEqual([
      expect.stringMatching(/DuckDB's notation\. Write base64\(jpg_0\)/),
      expect.stringMatching(/neither image_0_path nor image_0_uid nor jpg_0/),
      expect.stringMatching(/jpg_0 is no base64/),
      expect.stringMatching(/jpg_0 is no picture/),
      expect.stringMatching(/jpg_0 7 holds no bytes as base64/),
      expect.stringMatching(/an import fetches nothing/),
      expect.stringMatching(/an import fetches nothing/),
    ]);
  });

  it('are found under their uid with any ending, and at a path in the column of addresses', async () => {
    await save('a.jpg', await sharp(png(5)).jpeg().toBuffer());
    const folder = path('images');
    await mkdir(folder);
    await save('images/one.jpg', await sharp(png(90)).jpeg().toBuffer());
    await save('images/two.webp', await sharp(png(30)).webp().toBuffer());
    const file = await fileOf([
      { ...row(undefined, undefined), image_0_uid: 'one', image_1_uid: 'two' },
      { ...row(undefined, undefined), image_0_uid: 'one', image_1_url: 'a.jpg' },
    ]);
    expect(await importFile(file, 'hands')).toMatchObject({ problems: [], added: 2 });
  });
});

describe('rows without a user_id', () => {
  it('are different people, whatever they say', async () => {
    const [a, b] = (await pictures(2)) as [string, string];
    const rows = [
      row(a, b),
      row(a, b),
      row(b, a),
      row(a, b, { user_id: ' ' }),
      row(a, b, { user_id: 'ann' }),
    ];
    const file = await fileOf(rows);
    expect(await importFile(file, 'hands')).toMatchObject({
      problems: [],
      added: 5,
      people: 5,
      unnamed: 4,
    });
    expect(new Set(answers().map(({ annotatorId }) => annotatorId)).size).toBe(5);
    const stored = everything();
    // Another order, and times where there were none before, are other facts; the same rows are
    // not.
    expect(await importFile(await fileOf(rows.toReversed(), 'b.jsonl'), 'hands')).toMatchObject({
      added: 0,
      known: 5,
    });
    expect(everything()).toEqual(stored);
    const more = [...rows, row(a, b)];
    expect(await importFile(await fileOf(more, 'c.jsonl'), 'hands')).toMatchObject({
      added: 1,
      known: 5,
    });
  });

  it('are told apart by their ids where they have some, and by their times', async () => {
    const [a, b] = (await pictures(2)) as [string, string];
    const rows = [
      row(a, b, { ranking_id: 1 }),
      row(a, b, { ranking_id: 2 }),
      row(a, b, { ranking_id: 2 }),
      row(a, b, { created_at: '2023-01-15T12:00:00.123' }),
      row(a, b, { created_at: '2023-01-15T12:00:01' }),
    ];
    expect(await importFile(await fileOf(rows), 'hands')).toMatchObject({
      added: 4,
      known: 1,
      people: 4,
    });
    // The same answer, its time passed on in seconds.
    const later = [row(a, b, { created_at: 1673784000 }), row(a, b, { created_at: 1673784002 })];
    expect(await importFile(await fileOf(later, 'b.jsonl'), 'hands')).toMatchObject({
      added: 1,
      known: 1,
    });
  });
});

describe('rows that nobody has answered', () => {
  it('are counted, whatever else they lack', async () => {
    const [a, b] = (await pictures(2)) as [string, string];
    const text = [
      row(a, b, { user_id: 1 }),
      row(a, b, { has_label: false }),
      { has_label: false, caption: null, label_0: '', label_1: '' },
      { has_label: 'False' },
      { has_label: 0 },
      row('missing.png', b, { label_0: null, label_1: null }),
      row(a, b, { label_0: '', label_1: '' }),
    ].map((one) => JSON.stringify(one));
    // As Python's json writes what is not there.
    text.push(
      `{"caption": "NaN, \\"Infinity\\"", "image_0_path": "${a}", "label_0": NaN, "label_1": NaN}`,
    );
    await save('answers.jsonl', text.join('\n'));
    expect(await importFile(path('answers.jsonl'), 'hands')).toMatchObject({
      problems: [],
      added: 1,
      unlabeled: 7,
    });
  });

  it('are none where only the label is missing or unreadable', async () => {
    const [a, b] = (await pictures(2)) as [string, string];
    const file = await fileOf([
      row(a, b, { has_label: true, label_0: null, label_1: null }),
      row(a, b, { label_0: undefined, label_1: undefined }),
      row(a, b, { label_1: null }),
      row(a, b, { label_0: 'left' }),
    ]);
    const { problems, unlabeled } = await importFile(file, 'hands');
    expect(problems.map(({ line, reason }) => [line, reason])).toEqual(
      [1, 3, 5, 7].map((line) => [line, 'columns']),
    );
    expect(unlabeled).toBe(0);
  });
});

describe('a prompt', () => {
  it('longer than what reaches the model comes in whole, and is told with the place where it is cut', async () => {
    const [a, b] = (await pictures(2)) as [string, string];
    const long = 'a left hand with five fingers and a ring on each of them';
    const file = await fileOf(
      ['1 hand', long, long].map((caption, i) => row(a, b, { caption, user_id: i })),
    );
    const report = await importFile(file, 'hands');
    expect(report).toMatchObject({
      added: 3,
      prompts: 2,
      cuts: { cut: 1, first: { prompt: long } },
    });
    const told = toldReport(report).find(([, name]) => name === 'prompts');
    const { kept, lost } = report.cuts.first!;
    expect(`${kept} ${lost}`).toBe(long);
    expect(told?.[2]).toMatch(/^1 of 2 prompts is longer than the 14 tokens/);
    expect(told?.[2]).toContain(`“${kept}”`);
    expect(told?.[2]).toContain(`“${lost}”`);
    expect(
      new Set(
        db()
          .select()
          .from(schema.pairs)
          .all()
          .map(({ prompt }) => prompt),
      ),
    ).toEqual(new Set(['1 hand', long]));
  });
});

describe('labels', () => {
  it('may be text or truth', async () => {
    const [a, b] = (await pictures(2)) as [string, string];
    const file = await fileOf([
      row(a, b, { label_0: '1.0', label_1: '0', user_id: 1 }),
      row(a, b, { label_0: true, label_1: 0, user_id: 2 }),
      row(a, b, { label_0: 'False', label_1: 'True', user_id: 3 }),
      row(a, b, { label_0: '0.5', label_1: 0.5, user_id: 4 }),
    ]);
    expect(await importFile(file, 'hands')).toMatchObject({ problems: [], added: 4 });
    const counts = answers()
      .map(({ answer }) => answer)
      .sort();
    expect(counts).toEqual(['left', 'left', 'right', 'tie']);
  });
});

describe('a file with hopeless rows', () => {
  const bad = async () => {
    const [a, b, c] = (await pictures(3)) as [string, string, string];
    return fileOf([
      row(a, b, { user_id: 1 }),
      row(a, 'gone.png', { user_id: 1 }),
      row(a, b, { label_0: 1, label_1: 1 }),
      row(a, c, { user_id: 1 }),
      row(c, a, { user_id: 1 }),
      row(b, c, { user_id: 2 }),
    ]);
  };

  it('is told whole, contradictions too, and nothing of it is stored', async () => {
    const { problems, added } = await importFile(await bad(), 'hands');
    expect(problems.map(({ line, reason }) => [line, reason])).toEqual([
      [3, 'image-missing'],
      [5, 'labels'],
      [9, 'contradiction'],
    ]);
    expect(problems[2]?.message).toMatch(/^1 has judged these two images otherwise in line 7/);
    expect(added).toBe(0);
    expect(everything().map((rows) => rows.length)).toEqual([0, 0, 0, 0, 0]);
  });

  it('comes in without them if asked to, and is known when it comes again', async () => {
    const file = await bad();
    const report = await importFile(file, 'hands', { skipBad: true });
    expect(report.problems).toHaveLength(3);
    expect(report).toMatchObject({ added: 3, known: 0, people: 2 });
    const stored = everything();
    expect(await importFile(file, 'hands', { skipBad: true })).toMatchObject({
      added: 0,
      known: 3,
    });
    expect(everything()).toEqual(stored);
  });

  it('is read to the last row, however many there are', async () => {
    const [a, b] = (await pictures(2)) as [string, string];
    const rows = Array.from({ length: 500 }, (_, i) =>
      row(a, i % 100 === 0 ? 'gone.png' : b, { user_id: i, label_1: i % 2 }),
    );
    const { problems } = await importFile(await fileOf(rows), 'hands');
    expect(problems).toHaveLength(250 + 5);
  });
});

it('marks that the text may contain, but no line ends with, are the text’s own', async () => {
  const [a, b] = (await pictures(2)) as [string, string];
  const caption = 'one\u2028two\u2029three';
  await save('answers.jsonl', `\uFEFF${JSON.stringify(row(a, b, { caption }))}\r\n`);
  expect(await importFile(path('answers.jsonl'), 'hands')).toMatchObject({
    problems: [],
    added: 1,
  });
  expect(db().select().from(schema.pairs).get()?.prompt).toBe(caption);
  expect((await readFile(path('answers.jsonl'))).subarray(0, 3)).toEqual(
    Buffer.from([239, 187, 191]),
  );
});
