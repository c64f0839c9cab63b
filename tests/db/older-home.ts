/** A data folder as an older version left it: for tests of what a migration carries over. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from 'drizzle-orm/better-sqlite3/migrator';
import { afterEach, beforeEach } from 'vitest';
import { type Database, openDatabase } from '@/db/client';

const migrations = 'db/migrations';

/**
 * Each test gets a folder of its own. `fill` a database made by all migrations before the first
 * that says `adds`.
 */
export function withOlderHome(adds: RegExp) {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'darkroom-migration-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  return {
    fill(rows: (client: Database['$client']) => void): string {
      const path = join(folder, 'darkroom.db');
      const old = openDatabase(path);
      migrate(old, { migrationsFolder: migrationsBefore(adds, folder) });
      rows(old.$client);
      old.$client.close();
      return path;
    },
  };
}

function migrationsBefore(adds: RegExp, folder: string): string {
  const before = join(folder, 'migrations');
  cpSync(migrations, before, { recursive: true });
  const files = readdirSync(migrations).filter((file) => file.endsWith('.sql'));
  const added = files
    .sort()
    .findIndex((file) => adds.test(readFileSync(join(before, file), 'utf8')));
  if (added === -1) throw new Error(`no migration says ${adds}`);
  const journalFile = join(before, 'meta/_journal.json');
  const journal = JSON.parse(readFileSync(journalFile, 'utf8'));
  journal.entries = journal.entries.slice(0, added);
  writeFileSync(journalFile, JSON.stringify(journal));
  return before;
}
