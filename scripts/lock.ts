import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import SqliteDatabase from 'better-sqlite3';

/** A lock that nobody refers to would be collected, and given back. */
const held = new Set<SqliteDatabase.Database>();

/**
 * Takes a lock for this process until it ends, however it ends. It is SQLite's own on an empty
 * file: the system gives it back by itself, and Node has no other such lock.
 *
 * @param file made where it is not there
 * @returns gives the lock back before the process ends; undefined where another process has it
 */
export function takeLock(file: string): (() => void) | undefined {
  mkdirSync(dirname(file), { recursive: true });
  const lock = new SqliteDatabase(file, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (thrown) {
    lock.close();
    if (String((thrown as { code?: string }).code).startsWith('SQLITE_BUSY')) return undefined;
    throw thrown;
  }
  held.add(lock);
  return () => {
    held.delete(lock);
    lock.close();
  };
}
