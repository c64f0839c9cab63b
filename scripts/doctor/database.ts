import { databasePath } from '@/db/client';
import { databaseHealth } from '@/db/health';
import { broken, type Finding, fine, lacking } from './finding';

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
const restore = 'Restore the data folder from a backup, or set DARKROOM_HOME to a new one.';

/** Opens the database as the app does, without changing it. */
export async function database(): Promise<Finding> {
  const path = databasePath();
  try {
    const health = await databaseHealth();
    if (!health) return lacking('database', `${path} is not there yet`, 'npm start creates it.');
    const { journalMode, pendingMigrations, integrity } = health;
    if (integrity !== 'ok') return broken('database', `${path}: ${integrity}`, restore);
    if (journalMode !== 'wal') {
      return broken(
        'database',
        `${path} cannot use write-ahead logging (journal mode ${journalMode})`,
        'Set DARKROOM_HOME to a folder on a local disk; network file systems lack shared memory.',
      );
    }
    if (pendingMigrations < 0) {
      return broken(
        'database',
        `${path} comes from a newer version (${-pendingMigrations} unknown migrations)`,
        'Update Darkroom, or set DARKROOM_HOME to another folder.',
      );
    }
    if (pendingMigrations > 0) {
      const found = `${path} lacks ${pendingMigrations} migrations`;
      return lacking('database', found, 'npm start applies them.');
    }
    return fine('database', `${path}, WAL, up to date`);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const remedy = remedies.find(([start]) => code.startsWith(start))?.[1] ?? restore;
    return broken('database', `${path}: ${error instanceof Error ? error.message : error}`, remedy);
  }
}
