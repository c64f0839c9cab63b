import { mkdtempSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach } from 'vitest';
import { closeDatabases, db, schema } from '@/db/client';
import { exportPreferences } from '@/db/exchange/exports';
import { migrateDatabase } from '@/db/migrate';
import type { PickAPicRow } from '@/lib/exchange/pick-a-pic';
import { encodePng } from '@/trainer/diffusion/images/png';
import { createRandom } from '@/trainer/random';

const before = process.env.DARKROOM_HOME;
const folders: string[] = [];

export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'darkroom-import-'));
  folders.push(folder);
  return folder;
}

export async function useHome(home: string): Promise<string> {
  closeDatabases();
  process.env.DARKROOM_HOME = home;
  await migrateDatabase();
  return home;
}

/** A home and a folder of files, new for every test. */
export function withFolder() {
  const where = { folder: '' };
  beforeEach(async () => {
    await useHome(temporary());
    where.folder = temporary();
  });
  afterAll(async () => {
    closeDatabases();
    await Promise.all(folders.map((one) => rm(one, { recursive: true, force: true })));
    if (before === undefined) delete process.env.DARKROOM_HOME;
    else process.env.DARKROOM_HOME = before;
  });
  const save = async (name: string, bytes: Uint8Array | string): Promise<string> => {
    await writeFile(join(where.folder, name), bytes);
    return name;
  };
  return {
    path: (name: string) => join(where.folder, name),
    save,
    /** Rows on images a.png, b.png … beside the file, with empty lines between. */
    fileOf: async (rows: readonly object[], name = 'answers.jsonl') =>
      join(where.folder, await save(name, rows.map((one) => JSON.stringify(one)).join('\n\n'))),
    pictures: (count: number): Promise<string[]> =>
      Promise.all(Array.from({ length: count }, (_, i) => save(`${i}.png`, png(i)))),
  };
}

/** A picture of one colour, told from others by `seed`. */
export function png(seed: number, width = 64, height = 64): Uint8Array {
  return encodePng({ width, height, data: new Uint8Array(3 * width * height).fill(seed) });
}

/** A picture that cannot be packed: 12 KiB. */
export function noisePng(seed: number, width = 64, height = 64): Uint8Array {
  const random = createRandom(seed);
  const data = Uint8Array.from({ length: 3 * width * height }, () => random.integer(256));
  return encodePng({ width, height, data });
}

export const row = (first: string | undefined, second: string | undefined, more: object = {}) => ({
  caption: '1 hand',
  image_0_path: first,
  image_1_path: second,
  label_0: 1,
  label_1: 0,
  ...more,
});

export const everything = () =>
  [schema.samples, schema.pairs, schema.preferences, schema.user, schema.imports].map((table) =>
    db().select().from(table).all(),
  );

export async function exported(
  choice: Parameters<typeof exportPreferences>[0] = {},
): Promise<PickAPicRow[]> {
  const rows: PickAPicRow[] = [];
  for await (const one of exportPreferences(choice)) rows.push(one);
  return rows;
}
