import type SqliteDatabase from 'better-sqlite3';
import { AppError } from '@/lib/errors';
import journal from './migrations/meta/_journal.json' with { type: 'json' };

/** How a database file's tables differ from what this version knows. */
export interface MigrationState {
  /** Of this version, not applied yet; all of them where the file has not been set up. */
  pending: number;
  /** Applied by a version that knows more. */
  unknown: number;
  isSetUp: boolean;
}

/** Compares what was applied to a database with what this version brings. */
export function migrationState(sqlite: SqliteDatabase.Database): MigrationState {
  const known = new Set(journal.entries.map(({ when }) => when));
  const isSetUp =
    sqlite
      .prepare("select count(*) from sqlite_master where name = '__drizzle_migrations'")
      .pluck()
      .get() === 1;
  const applied = isSetUp
    ? (sqlite.prepare('select created_at from __drizzle_migrations').pluck().all() as number[])
    : [];
  const unknown = applied.filter((when) => !known.has(Number(when))).length;
  return { pending: known.size - (applied.length - unknown), unknown, isSetUp };
}

/** What is wrong with a database that a newer version has changed, and what to do. */
export function newerVersion(path: string, unknown: number): { found: string; remedy: string } {
  return {
    found: `${path} comes from a newer version (${unknown} unknown migrations)`,
    remedy:
      'Update Darkroom, set DARKROOM_HOME to another folder, or restore a backup made with this version.',
  };
}

/**
 * Throws 'unavailable' where a newer version has changed the tables: this one would read and write
 * them wrongly.
 */
export function refuseNewer(path: string, { unknown }: MigrationState): void {
  if (unknown === 0) return;
  const { found, remedy } = newerVersion(path, unknown);
  throw new AppError('unavailable', `${found}. ${remedy}`);
}
