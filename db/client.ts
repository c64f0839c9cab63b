import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3';
import { AppError } from '@/lib/errors';
import { migrationState, refuseNewer } from './known-migrations';
import { fileMode, folderMode } from './private-home';
import * as comparisons from './schema/comparisons';
import * as figures from './schema/figures';
import * as groupLeases from './schema/group-leases';
import * as imports from './schema/imports';
import * as labels from './schema/labels';
import * as people from './schema/people';
import * as pipelineImports from './schema/pipeline-imports';
import * as policies from './schema/policies';
import * as rewards from './schema/rewards';
import * as rounds from './schema/rounds';
import * as tallies from './schema/tallies';

export const schema = {
  ...people,
  ...policies,
  ...rounds,
  ...comparisons,
  ...imports,
  ...labels,
  ...groupLeases,
  ...rewards,
  ...pipelineImports,
  ...tallies,
  ...figures,
};

export type Database = BetterSQLite3Database<typeof schema> & {
  $client: SqliteDatabase.Database;
};

/**
 * What the write-ahead log is cut to once all of it is in the database; a long reader lets it grow
 * meanwhile.
 */
const walBytesMax = 64 * 2 ** 20;

/** How long a writer waits for another process's transaction. */
const busyTimeoutMs = 5000;

/** The folder of all data: `DARKROOM_HOME`, else `.darkroom` where the command was started. */
export function darkroomHome(): string {
  return resolve(/* turbopackIgnore: true */ process.env.DARKROOM_HOME ?? '.darkroom');
}

/** Where the database file of a data folder lies. */
export function databasePath(home = darkroomHome()): string {
  return join(home, 'darkroom.db');
}

/**
 * Opens (and creates) a database file. WAL lets pages read while a worker writes; synchronous=FULL
 * makes every commit reach the disk before it is acknowledged.
 */
export function openDatabase(path = databasePath()): Database {
  mkdirSync(dirname(path), { recursive: true, mode: folderMode });
  // Made here, because SQLite would let others read it; its own files beside it take over the mode.
  closeSync(openSync(path, 'a', fileMode));
  const sqlite = new SqliteDatabase(path, { timeout: busyTimeoutMs });
  sqlite.pragma('journal_mode = WAL');
  sqlite.pragma('synchronous = FULL');
  sqlite.pragma('foreign_keys = ON');
  sqlite.pragma(`journal_size_limit = ${walBytesMax}`);
  return drizzle(sqlite, { schema, casing: 'snake_case' });
}

/**
 * Opens a database file to be read only, as it is. Throws what SQLite throws where there is none.
 */
export function openToRead(path: string): Database {
  const sqlite = new SqliteDatabase(path, { readonly: true, timeout: busyTimeoutMs });
  return drizzle(sqlite, { schema, casing: 'snake_case' });
}

// On globalThis, because a development server evaluates this module again after every change.
const processWide = globalThis as { darkroomDatabases?: Map<string, Database> };
processWide.darkroomDatabases ??= new Map();
const opened = processWide.darkroomDatabases;

/**
 * The database of the current data folder, opened on first use and kept for the process.
 * Throws 'unavailable' when it has not been set up, or comes from a newer version.
 */
export function db(): Database {
  const path = databasePath();
  const known = opened.get(path);
  if (known) return known;
  const database = openDatabase(path);
  try {
    const state = migrationState(database.$client);
    if (!state.isSetUp) {
      throw new AppError(
        'unavailable',
        `The database ${path} has not been set up. Run npm start once, or point DARKROOM_HOME at a folder that has been.`,
      );
    }
    refuseNewer(path, state);
  } catch (thrown) {
    database.$client.close();
    throw thrown;
  }
  opened.set(path, database);
  return database;
}

/** Closes this process's databases; the next db() opens again. For tests and for a clean exit. */
export function closeDatabases(): void {
  for (const database of opened.values()) database.$client.close();
  opened.clear();
}

/**
 * Brings all of the write-ahead log into the database and cuts it to nothing, without waiting for
 * readers. Returns what it takes then, bytes, and whether a reader kept it from being cut.
 */
export function truncateLog(path = databasePath()): { bytes: number; busy: boolean } {
  // A connection of its own: waiting for a reader would hold up whoever writes.
  const sqlite = new SqliteDatabase(path, { timeout: 50 });
  try {
    const [result] = sqlite.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
    return { bytes: logBytes(path), busy: result?.busy === 1 };
  } finally {
    sqlite.close();
  }
}

/** Size of the write-ahead log, bytes. */
export function logBytes(path = databasePath()): number {
  return statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}
