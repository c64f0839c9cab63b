import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3';
import { AppError } from '@/lib/errors';
import * as figures from './schema/figures';
import * as labels from './schema/labels';
import * as people from './schema/people';
import * as policies from './schema/policies';
import * as rewards from './schema/rewards';
import * as rounds from './schema/rounds';

export const schema = { ...people, ...policies, ...rounds, ...labels, ...rewards, ...figures };

export type Database = BetterSQLite3Database<typeof schema> & {
  $client: SqliteDatabase.Database;
};

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
  mkdirSync(dirname(path), { recursive: true });
  const sqlite = new SqliteDatabase(path, { timeout: busyTimeoutMs });
  sqlite.pragma('journal_mode = WAL');
  sqlite.pragma('synchronous = FULL');
  sqlite.pragma('foreign_keys = ON');
  return drizzle(sqlite, { schema, casing: 'snake_case' });
}

// On globalThis, because a development server evaluates this module again after every change.
const processWide = globalThis as { darkroomDatabases?: Map<string, Database> };
processWide.darkroomDatabases ??= new Map();
const opened = processWide.darkroomDatabases;

/**
 * The database of the current data folder, opened on first use and kept for the process.
 * Throws 'unavailable' when it has not been set up.
 */
export function db(): Database {
  const path = databasePath();
  const known = opened.get(path);
  if (known) return known;
  const database = openDatabase(path);
  const tables = database.$client
    .prepare("select count(*) from sqlite_master where name = '__drizzle_migrations'")
    .pluck();
  if (tables.get() === 0) {
    database.$client.close();
    throw new AppError(
      'unavailable',
      `The database ${path} has not been set up. Run npm start once, or point DARKROOM_HOME at a folder that has been.`,
    );
  }
  opened.set(path, database);
  return database;
}

/** Closes this process's databases; the next db() opens again. For tests and for a clean exit. */
export function closeDatabases(): void {
  for (const database of opened.values()) database.$client.close();
  opened.clear();
}
