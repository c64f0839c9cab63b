import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { migrate } from 'drizzle-orm/better-sqlite3/migrator';
import { openDatabase } from '@/db/client';

const migrations = 'db/migrations';

/**
 * A database as it was before the migration whose SQL first matches; the caller closes it.
 * @param folder empty; the database becomes its `darkroom.db`
 */
export function openBefore(folder: string, first: RegExp): ReturnType<typeof openDatabase> {
  const before = join(folder, 'migrations');
  cpSync(migrations, before, { recursive: true });
  const files = readdirSync(migrations).filter((file) => file.endsWith('.sql'));
  const known = files
    .sort()
    .findIndex((file) => first.test(readFileSync(join(before, file), 'utf8')));
  if (known === -1) throw new Error(`no migration matches ${first}`);
  const journalFile = join(before, 'meta/_journal.json');
  const journal = JSON.parse(readFileSync(journalFile, 'utf8'));
  journal.entries = journal.entries.slice(0, known);
  writeFileSync(journalFile, JSON.stringify(journal));
  const old = openDatabase(join(folder, 'darkroom.db'));
  migrate(old, { migrationsFolder: before });
  return old;
}
