import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { migrate } from 'drizzle-orm/better-sqlite3/migrator';
import { AppError } from '@/lib/errors';
import { darkroomHome, databasePath, openDatabase } from './client';
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

/**
 * As `migrateDatabase`, for what can only be done where something is. Throws 'not-found', with the
 * remedy, where there is no database, and makes none.
 */
export async function migrateExisting(): Promise<void> {
  if (!existsSync(databasePath())) {
    throw new AppError(
      'not-found',
      `There is no database in ${darkroomHome()}. Say which data folder Darkroom uses: DARKROOM_HOME=/its/folder before the command.`,
    );
  }
  await migrateDatabase();
}
