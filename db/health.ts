import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { databasePath, openDatabase } from './client';

const journalFile = fileURLToPath(new URL('./migrations/meta/_journal.json', import.meta.url));
const journalSchema = z.object({ entries: z.array(z.unknown()) });

/** What can be said of a database file without changing it. */
export interface DatabaseHealth {
  path: string;
  /** 'wal' on every file system that can share memory between processes. */
  journalMode: string;
  /** Migrations of this version that have not been applied; negative when the file is newer. */
  pendingMigrations: number;
  /** 'ok', or what SQLite's own check found. */
  integrity: string;
}

/**
 * Looks at the database: it opens, takes the write lock and gives it back, and checks its pages.
 * Null when there is no file yet. Throws what SQLite throws when one of these cannot be done.
 */
export async function databaseHealth(path = databasePath()): Promise<DatabaseHealth | null> {
  if (!existsSync(path)) return null;
  const { $client: sqlite } = openDatabase(path);
  try {
    const one = (statement: string) => sqlite.prepare(statement).pluck().get();
    const isSetUp = one("select count(*) from sqlite_master where name = '__drizzle_migrations'");
    const applied = isSetUp ? Number(one('select count(*) from __drizzle_migrations')) : 0;
    const known = journalSchema.parse(JSON.parse(readFileSync(journalFile, 'utf8'))).entries.length;
    sqlite.exec('begin immediate; rollback');
    return {
      path,
      journalMode: String(one('pragma journal_mode')),
      pendingMigrations: known - applied,
      integrity: String(one('pragma quick_check(1)')),
    };
  } finally {
    sqlite.close();
  }
}
