import type { RunResult } from 'better-sqlite3';
import type { BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core';
import { AppError } from '@/lib/errors';
import { db, type schema } from './client';

/** What reads and writes rows: a transaction, or the database itself where one read is enough. */
export type Transaction = BaseSQLiteDatabase<'sync', RunResult, typeof schema>;

/**
 * Runs a decision in one immediate transaction: it holds the write lock from its first read on, so
 * nothing it has read can change before it writes. The callback is synchronous and may throw to undo.
 */
export async function immediate<T>(decide: (tx: Transaction) => T): Promise<T> {
  try {
    return db().transaction(decide, { behavior: 'immediate' });
  } catch (thrown) {
    throw explain(thrown);
  }
}

function sqliteCode(thrown: unknown): string {
  if (!(thrown instanceof Error)) return '';
  if ('code' in thrown && typeof thrown.code === 'string') return thrown.code;
  return sqliteCode(thrown.cause);
}

/** Turns SQLite's refusals that a person can do something about into errors that say what. */
function explain(thrown: unknown): unknown {
  const code = sqliteCode(thrown);
  if (code === 'SQLITE_FULL' || code.startsWith('SQLITE_IOERR')) {
    return new AppError(
      'storage-full',
      `The database could not be written (${code}). Free some disk space; nothing was half-written.`,
      { cause: thrown },
    );
  }
  if (code.startsWith('SQLITE_BUSY')) {
    return new AppError(
      'unavailable',
      'The database was busy for five seconds. Nothing was written; try again.',
      { cause: thrown },
    );
  }
  return thrown;
}
