import { fileURLToPath } from 'node:url';
import { migrate } from 'drizzle-orm/better-sqlite3/migrator';
import { databasePath, openDatabase } from './client';
import { dropTriggers, keepFigures } from './figures/figures';
import { migrationState, refuseNewer } from './known-migrations';

const migrationsFolder = fileURLToPath(new URL('./migrations', import.meta.url));

/**
 * Creates the database file if need be and brings its tables up to date. Safe to run again. Throws
 * 'unavailable' where a newer version has been here.
 */
export async function migrateDatabase(path = databasePath()): Promise<void> {
  const database = openDatabase(path);
  try {
    const state = migrationState(database.$client);
    refuseNewer(path, state);
    if (state.pending > 0) {
      dropTriggers(database.$client);
      // A table that is rebuilt is dropped while others point to it. No transaction can say so.
      database.$client.pragma('foreign_keys = OFF');
    }
    migrate(database, { migrationsFolder });
    keepFigures(database.$client);
  } finally {
    database.$client.close();
  }
}
