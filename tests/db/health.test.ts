import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDatabase } from '@/db/client';
import { databaseHealth } from '@/db/health';
import { migrateDatabase } from '@/db/migrate';

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

it('reports damage', async () => {
  await migrateDatabase(path);
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.fill(0xff, 4096 * 3, 4096 * 6));
  expect((await databaseHealth(path))?.integrity).not.toBe('ok');
  truncateSync(path, 100);
  await expect(databaseHealth(path)).rejects.toThrow(/malformed|not a database|corrupt/);
});
