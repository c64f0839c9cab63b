import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { db, openDatabase } from '@/db/client';
import { databaseHealth, refuseBroken } from '@/db/health';
import { migrateDatabase } from '@/db/migrate';
import { setUp } from '@/scripts/setup/setup';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'darkroom-health-'));
  path = join(folder, 'darkroom.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('is null where there is no database, and makes none', async () => {
  expect(await databaseHealth(path)).toBeNull();
  expect(await databaseHealth(path)).toBeNull();
});

it('finds a migrated database in order', async () => {
  await migrateDatabase(path);
  expect(await databaseHealth(path)).toEqual({
    path,
    journalMode: 'wal',
    pendingMigrations: 0,
    integrity: 'ok',
  });
});

it('counts the migrations that a database lacks', async () => {
  openDatabase(path).$client.exec('create table other (id)').close();
  expect((await databaseHealth(path))?.pendingMigrations).toBeGreaterThan(0);
});

it('refuses what a newer version has changed, whoever opens it, and says what to do', async () => {
  await migrateDatabase(path);
  const { $client } = openDatabase(path);
  $client
    .prepare('insert into __drizzle_migrations (hash, created_at) values (?, ?)')
    .run('of the future', Date.now());
  $client.close();
  const before = readFileSync(path);
  expect((await databaseHealth(path))?.pendingMigrations).toBe(-1);
  const refusal = /newer version \(1 unknown migrations\).+Update Darkroom/;
  await expect(migrateDatabase(path)).rejects.toThrow(refusal);
  await expect(refuseBroken(path)).rejects.toMatchObject({ code: 'unavailable' });
  const home = process.env.DARKROOM_HOME;
  process.env.DARKROOM_HOME = folder;
  try {
    expect(() => db()).toThrow(refusal);
    await expect(setUp()).rejects.toThrow(refusal);
  } finally {
    if (home === undefined) delete process.env.DARKROOM_HOME;
    else process.env.DARKROOM_HOME = home;
  }
  expect(readFileSync(path).equals(before)).toBe(true);
});

it('refuses to start on a damaged page, before anything is changed', async () => {
  await migrateDatabase(path);
  const bytes = readFileSync(path);
  // Any page: the first ones hold the names of the tables, the last ones an index.
  for (const page of [2, Math.floor(bytes.length / 4096 / 2), bytes.length / 4096 - 1]) {
    const damaged = Buffer.from(bytes);
    damaged.fill(0xff, 4096 * page, 4096 * (page + 1));
    writeFileSync(path, damaged);
    await expect(refuseBroken(path)).rejects.toThrow(/npm run restore/);
    expect(readFileSync(path).equals(damaged)).toBe(true);
  }
  writeFileSync(path, bytes);
  await refuseBroken(path);
});

it('reports damage', async () => {
  await migrateDatabase(path);
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.fill(0xff, 4096 * 3, 4096 * 6));
  expect((await databaseHealth(path))?.integrity).not.toBe('ok');
  truncateSync(path, 100);
  await expect(databaseHealth(path)).rejects.toThrow(/malformed|not a database|corrupt/);
});
