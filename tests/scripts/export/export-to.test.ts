import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import {
  asyncBufferFromFile,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { getBlob } from '@/db/blobs/blobs';
import { sha256 } from '@/db/blobs/store';
import { labelsOf, type PickAPicRow } from '@/lib/exchange/pick-a-pic';
import { exportTo } from '@/scripts/export/export-to';
import { importFile } from '@/scripts/import/import-file';
import {
  everything,
  exported,
  noisePng,
  row,
  temporary,
  useHome,
  withFolder,
} from '../import/support';

const { fileOf, path, save } = withFolder();

/** So many answers on images of 12 KiB, of every kind. */
async function fill(answers: number): Promise<void> {
  const images = await Promise.all(
    Array.from({ length: 20 }, (_, i) => save(`${i}.png`, noisePng(i))),
  );
  const kinds = Object.entries(labelsOf);
  const rows = Array.from({ length: answers }, (_, i) => {
    const [answer, [label_0, label_1]] = kinds[i % kinds.length]!;
    const more = {
      label_0,
      label_1,
      answer,
      user_id: i,
      caption: `${i % 3} hands`,
    };
    return row(images[i % 20], images[(i + 1 + (i % 19)) % 20], { ...more, ranking_id: i });
  });
  const { problems } = await importFile(await fileOf(rows), 'hands');
  expect(problems).toEqual([]);
}

const nameless = ({ user_id: _, ...rest }: PickAPicRow) => rest;

async function opened(file: string) {
  const buffer = await asyncBufferFromFile(file);
  const metadata = await parquetMetadataAsync(buffer);
  const rows = await parquetReadObjects({ file: buffer, metadata, utf8: false });
  return { metadata, rows };
}

describe('an export in Parquet', () => {
  it('has Pick-a-Pic’s columns and types, the bytes of the images, and says so to datasets', async () => {
    await fill(130);
    const wanted = await exported();
    const { file, answers, images } = await exportTo(path('out'), { format: 'parquet' });
    expect([file, answers, images]).toEqual([path('out'), 130, 20]);
    expect((await readdir(path('out'))).sort()).toEqual(['README.md', 'data']);
    const { metadata, rows } = await opened(path('out/data/train-00000.parquet'));
    expect(metadata.row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([100, 30]);
    const types = parquetSchema(metadata).children.map(({ element }) => [
      element.name,
      element.logical_type?.type ?? element.type,
    ]);
    // Source: the viewer of huggingface.co/datasets/yuvalkirstain/pickapic_v2.
    expect(Object.fromEntries(types)).toMatchObject({
      are_different: 'BOOLEAN',
      best_image_uid: 'STRING',
      caption: 'STRING',
      created_at: 'TIMESTAMP',
      has_label: 'BOOLEAN',
      image_0_uid: 'STRING',
      image_0_url: 'STRING',
      image_1_uid: 'STRING',
      image_1_url: 'STRING',
      jpg_0: 'BYTE_ARRAY',
      jpg_1: 'BYTE_ARRAY',
      label_0: 'DOUBLE',
      label_1: 'DOUBLE',
      model_0: 'STRING',
      model_1: 'STRING',
      ranking_id: 'INT64',
      user_id: 'INT64',
      num_example_per_prompt: 'INT64',
    });
    expect(rows).toHaveLength(130);
    for (const [i, read] of rows.entries()) {
      const one = wanted[i]!;
      expect([read.caption, read.label_0, read.label_1, read.are_different]).toEqual([
        one.caption,
        ...labelsOf[one.answer],
        one.label_0 !== one.label_1,
      ]);
      expect(read.created_at.getTime()).toBe(one.created_at_ms);
      expect([read.ranking_id, read.user_id].map(Number)).toEqual([one.ranking_id, one.user_id]);
      for (const side of [0, 1] as const) {
        const bytes = Buffer.from(read[`jpg_${side}`]);
        expect(bytes.equals(await getBlob(one[`image_${side}_uid`]))).toBe(true);
      }
    }
    const said = metadata.key_value_metadata?.find(({ key }) => key === 'huggingface')?.value;
    const { features } = JSON.parse(said as string).info;
    expect(features.jpg_0).toEqual({ dtype: 'binary', _type: 'Value' });
    expect(Object.keys(features)).toEqual(types.map(([name]) => name));
    const card = await readFile(path('out/README.md'), 'utf8');
    const named = [...card.matchAll(/^ {2}- name: (\w+)\n {4}dtype: (.+)$/gm)];
    const views = [named.slice(0, types.length), named.slice(types.length)];
    for (const view of views) {
      expect(view.map(([, name]) => name)).toEqual(types.map(([name]) => name));
    }
    const typesOfJpg = named.filter(([, name]) => name === 'jpg_0').map(([, , dtype]) => dtype);
    expect(typesOfJpg).toEqual(['binary', 'image']);
  });

  it('comes in again elsewhere from its folder, all files of it, each answer once', async () => {
    await fill(130);
    const rows = await exported();
    const { file } = await exportTo(path('out'), { format: 'parquet', shardBytes: 2 ** 20 });
    const files = await readdir(path('out/data'));
    expect(files.length).toBeGreaterThan(2);
    const sizes = await Promise.all(files.map((one) => readFile(path(`out/data/${one}`))));
    for (const { length } of sizes) expect(length).toBeLessThan(2 ** 20 + 2 ** 17);
    await useHome(temporary());
    expect(await importFile(file, 'hands')).toMatchObject({
      problems: [],
      added: 130,
      images: 20,
      altered: 0,
    });
    expect((await exported()).map(nameless)).toEqual(rows.map(nameless));
    const stored = everything();
    expect(await importFile(file, 'hands')).toMatchObject({ added: 0, known: 130 });
    expect(everything()).toEqual(stored);
  });

  it('replaces an earlier one whole, and is a file without rows where there are none', async () => {
    await fill(130);
    await exportTo(path('out'), { format: 'parquet', shardBytes: 2 ** 20 });
    await writeFile(path('out/data/notes.txt'), 'mine');
    await exportTo(path('out'), { format: 'parquet' });
    expect((await readdir(path('out/data'))).sort()).toEqual(['notes.txt', 'train-00000.parquet']);
    const once = await readFile(path('out/data/train-00000.parquet'));
    await exportTo(path('out'), { format: 'parquet' });
    expect(once.equals(await readFile(path('out/data/train-00000.parquet')))).toBe(true);
    await useHome(temporary());
    await exportTo(path('none'), { format: 'parquet' });
    expect((await opened(path('none/data/train-00000.parquet'))).rows).toEqual([]);
    expect(existsSync(path('none/.darkroom-export'))).toBe(false);
  });
});

describe('an export of triples', () => {
  it('has the answers that prefer an image, and comes in again as these', async () => {
    await fill(60);
    const decided = (await exported()).filter(({ label_0 }) => label_0 !== 0.5);
    const { file, answers } = await exportTo(path('out'), { format: 'triples' });
    expect(answers).toBe(decided.length);
    const { rows, metadata } = await opened(path('out/data/train-00000.parquet'));
    const said = metadata.key_value_metadata?.find(({ key }) => key === 'huggingface')?.value;
    expect(JSON.parse(said as string).info.features.chosen).toEqual({ _type: 'Image' });
    for (const [i, one] of decided.entries()) {
      const better = one.label_0 === 1 ? one.image_0_uid : one.image_1_uid;
      expect(rows[i]!.prompt).toBe(one.caption);
      expect(rows[i]!.answer_id).toBe(one.answer_id);
      expect(sha256(rows[i]!.chosen.bytes)).toBe(better);
      expect(best([one]).has(sha256(rows[i]!.rejected.bytes))).toBe(false);
    }
    await useHome(temporary());
    expect(await importFile(file, 'hands')).toMatchObject({ problems: [], added: decided.length });
    const again = await exported();
    expect(again.every(({ answer }) => answer === 'left')).toBe(true);
    expect(best(again)).toEqual(best(decided));
  });
});

const best = (rows: readonly PickAPicRow[]) => new Set(rows.map((one) => one.best_image_uid));

describe('an export of rankings', () => {
  it('has an item for each pair with everybody’s places, and comes in again', async () => {
    const images = await Promise.all([0, 1, 2].map((i) => save(`${i}.png`, noisePng(i))));
    const [a, b, c] = images as [string, string, string];
    const rows = [
      row(a, b, { user_id: 1 }),
      row(b, a, { user_id: 2, label_0: 0, label_1: 1 }),
      row(a, b, { user_id: 3, label_0: 0, label_1: 1 }),
      row(b, c, { user_id: 1, label_0: 0.5, label_1: 0.5 }),
    ];
    await importFile(await fileOf(rows), 'hands');
    const before = await exported();
    const { file } = await exportTo(path('out'), { format: 'rankings' });
    const items = JSON.parse(await readFile(file, 'utf8'));
    const [hashA, hashB, hashC] = [0, 1, 2].map((i) => `images/${sha256(noisePng(i))}.png`);
    const told = items.map(
      (one: { image_path: string[]; rank: number[]; raw_annotations: { rank: number[] }[] }) =>
        one.image_path.map((path, i) => [
          path,
          one.rank[i],
          ...one.raw_annotations.map(({ rank }) => rank[i]).sort(),
        ]),
    );
    const sorted = told.map((item: unknown[]) => item.toSorted()).toSorted();
    expect(sorted).toEqual(
      [
        [
          [hashA, 1, 1, 1, 2],
          [hashB, 2, 1, 2, 2],
        ].toSorted(),
        [
          [hashB, 1, 1],
          [hashC, 1, 1],
        ].toSorted(),
      ].toSorted(),
    );
    await useHome(temporary());
    const stored = { problems: [], added: 4, people: 3 };
    expect(await importFile(path('out'), 'hands')).toMatchObject(stored);
    expect(await importFile(file, 'hands')).toMatchObject({ added: 0, known: 4 });
    const winners = (all: PickAPicRow[]) => all.map((one) => one.best_image_uid).toSorted();
    expect(winners(await exported())).toEqual(winners(before));
  });

  it('of nothing is an empty array', async () => {
    const { file } = await exportTo(path('out'), { format: 'rankings' });
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual([]);
  });
});

it('of a round or an import that is none is refused before anything is written', async () => {
  await useHome(temporary());
  for (const choice of [{ roundId: 'none' }, { importId: 'none' }]) {
    const folder = path(`of ${Object.keys(choice)}`);
    await expect(exportTo(folder, choice)).rejects.toThrow(/There is no (round|import) none/);
    expect(existsSync(folder)).toBe(false);
  }
});
