import { existsSync } from 'node:fs';
import { AppError } from '@/lib/errors';
import { databasePath, openDatabase } from './client';
import { migrationState, newerVersion } from './known-migrations';

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

/** Why a database cannot be used as it is, and what to do; `broken`: not even by setting it up. */
export interface DatabaseProblem {
  broken: boolean;
  found: string;
  remedy: string;
}

/** Remedies by SQLite's or Node's error code; the first that the code begins with counts. */
const remedies: [code: string, remedy: string][] = [
  [
    'ERR_DLOPEN_FAILED',
    'better-sqlite3 was built for another Node: npm rebuild better-sqlite3 (or npm start, which does it).',
  ],
  ['SQLITE_BUSY', 'Another process holds a long transaction: stop it, or wait and ask again.'],
  ['SQLITE_READONLY', 'Make the folder writable, or set DARKROOM_HOME to one that is.'],
  ['SQLITE_CANTOPEN', 'Make the folder writable, or set DARKROOM_HOME to one that is.'],
  ['EACCES', 'Make the folder writable, or set DARKROOM_HOME to one that is.'],
];
const restore =
  'Move the data folder aside and restore a backup with npm run restore, or set DARKROOM_HOME to a new one.';

/**
 * Looks at the database: it opens, takes the write lock and gives it back, and checks its pages
 * (half a second for each 350 MB). Null when there is no file yet. Throws what SQLite throws when
 * one of these cannot be done.
 */
export async function databaseHealth(path = databasePath()): Promise<DatabaseHealth | null> {
  if (!existsSync(path)) return null;
  const { $client: sqlite } = openDatabase(path);
  try {
    const { pending, unknown } = migrationState(sqlite);
    sqlite.exec('begin immediate; rollback');
    return {
      path,
      journalMode: String(sqlite.pragma('journal_mode', { simple: true })),
      pendingMigrations: unknown > 0 ? -unknown : pending,
      integrity: String(sqlite.pragma('quick_check(1)', { simple: true })).replaceAll('\n', ' '),
    };
  } finally {
    sqlite.close();
  }
}

/** Why the database cannot be used as it is; null where it can. */
export async function databaseProblem(path = databasePath()): Promise<DatabaseProblem | null> {
  try {
    const health = await databaseHealth(path);
    if (!health) {
      return { broken: false, found: `${path} is not there yet`, remedy: 'npm start creates it.' };
    }
    return problemIn(health);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    return {
      broken: true,
      found: `${path}: ${error instanceof Error ? error.message : error}`,
      remedy: remedies.find(([start]) => code.startsWith(start))?.[1] ?? restore,
    };
  }
}

function problemIn(health: DatabaseHealth): DatabaseProblem | null {
  const { path, journalMode, pendingMigrations, integrity } = health;
  if (integrity !== 'ok') {
    return { broken: true, found: `${path}: ${integrity}`, remedy: restore };
  }
  if (journalMode !== 'wal') {
    return {
      broken: true,
      found: `${path} cannot use write-ahead logging (journal mode ${journalMode})`,
      remedy:
        'Set DARKROOM_HOME to a folder on a local disk; network file systems lack shared memory.',
    };
  }
  if (pendingMigrations < 0) return { broken: true, ...newerVersion(path, -pendingMigrations) };
  if (pendingMigrations === 0) return null;
  const found = `${path} lacks ${pendingMigrations} migrations`;
  return { broken: false, found, remedy: 'npm start applies them.' };
}

/**
 * Refuses to begin on a database that is damaged, newer than this version, or cannot be written.
 * Throws 'unavailable'.
 */
export async function refuseBroken(path = databasePath()): Promise<void> {
  const problem = await databaseProblem(path);
  if (problem?.broken) throw new AppError('unavailable', `${problem.found}. ${problem.remedy}`);
}
