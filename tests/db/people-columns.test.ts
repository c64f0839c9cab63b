import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from 'drizzle-orm/better-sqlite3/migrator';
import { afterEach, expect, it } from 'vitest';
import { openDatabase } from '@/db/client';
import { migrateDatabase } from '@/db/migrate';

const migrations = 'db/migrations';
const folder = mkdtempSync(join(tmpdir(), 'darkroom-migration-'));

afterEach(() => rmSync(folder, { recursive: true }));

/** The migrations as they were before the one that adds the column `imported`. */
function migrationsBefore(): string {
  const before = join(folder, 'migrations');
  cpSync(migrations, before, { recursive: true });
  const files = readdirSync(migrations).filter((file) => file.endsWith('.sql'));
  const adds = /ADD `imported`/;
  const added = files
    .sort()
    .findIndex((file) => adds.test(readFileSync(join(before, file), 'utf8')));
  const journalFile = join(before, 'meta/_journal.json');
  const journal = JSON.parse(readFileSync(journalFile, 'utf8'));
  journal.entries = journal.entries.slice(0, added);
  writeFileSync(journalFile, JSON.stringify(journal));
  return before;
}

it('an older home learns from addresses and passwords who was imported and who gave an address', async () => {
  const path = join(folder, 'darkroom.db');
  const old = openDatabase(path);
  migrate(old, { migrationsFolder: migrationsBefore() });
  const person = old.$client.prepare(
    "insert into user (id, name, email, created_at, updated_at, role) values (?, ?, ?, 0, 0, 'annotator')",
  );
  const password = old.$client.prepare(
    "insert into account (id, user_id, issuer, account_id, provider_id, password, created_at, updated_at) values (?, ?, 'local', ?, 'credential', 'hash', 0, 0)",
  );
  const people = {
    imported: 'a1b2@imported.invalid',
    byLink: 'c3d4@darkroom.invalid',
    byPassword: 'ada@example.org',
    hidden: 'x@imported.invalid',
    unlocked: 'x@darkroom.invalid',
    seeded: 'seed@example.org',
  };
  for (const [id, email] of Object.entries(people)) person.run(id, id, email);
  for (const id of ['byPassword', 'hidden', 'unlocked']) password.run(id, id, id);
  old.$client.close();

  await migrateDatabase(path);

  const now = openDatabase(path);
  const rows = now.$client.prepare('select id, imported, has_email from user').raw().all();
  now.$client.close();
  expect(
    Object.fromEntries((rows as [string, 0 | 1, 0 | 1][]).map(([id, ...is]) => [id, is])),
  ).toEqual({
    imported: [1, 0],
    byLink: [0, 0],
    byPassword: [0, 1],
    hidden: [0, 1],
    unlocked: [0, 1],
    seeded: [0, 1],
  });
});
