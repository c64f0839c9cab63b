import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { databasePath, db, openDatabase } from '@/db/client';
import { migrateDatabase } from '@/db/migrate';
import { settings } from '@/db/schema/people';
import { all, change, immediate } from '@/db/transaction';
import { AppError } from '@/lib/errors';
import { withTemporaryHome } from './support';

withTemporaryHome();

describe('the database', () => {
  it('keeps what it acknowledged: WAL, synchronous FULL, foreign keys', () => {
    const pragma = (name: string) => db().$client.pragma(name, { simple: true });
    expect(pragma('journal_mode')).toBe('wal');
    expect(pragma('synchronous')).toBe(2);
    expect(pragma('foreign_keys')).toBe(1);
    expect(pragma('busy_timeout')).toBe(5000);
  });

  it('migrates again without harm', async () => {
    await migrateDatabase();
    await migrateDatabase();
  });

  it('says what to do when it has not been set up', () => {
    const before = process.env.DARKROOM_HOME;
    const home = mkdtempSync(join(tmpdir(), 'darkroom-test-'));
    process.env.DARKROOM_HOME = home;
    try {
      expect(() => db()).toThrow('Run npm start once');
      expect(() => db()).toThrow(databasePath(home));
    } finally {
      process.env.DARKROOM_HOME = before;
      rmSync(home, { recursive: true });
    }
  });

  it('undoes a decision that throws', async () => {
    const refused = immediate(function* (tx) {
      yield* change(tx.insert(settings).values({ key: 'half', value: 1 }));
      throw new AppError('conflict', 'changed my mind');
    });
    await expect(refused).rejects.toMatchObject({ code: 'conflict' });
    expect(db().select().from(settings).all()).toEqual([]);
  });

  it('explains a lock that somebody does not give back', async () => {
    const other = openDatabase();
    db().$client.pragma('busy_timeout = 20');
    other.$client.exec('begin immediate');
    try {
      const asked = immediate((tx) => all(tx.select().from(settings)));
      await expect(asked).rejects.toMatchObject({ code: 'unavailable' });
    } finally {
      other.$client.close();
      db().$client.pragma('busy_timeout = 5000');
    }
  });

  it('explains a full disk and stays usable', async () => {
    const { $client } = db();
    $client.pragma(`max_page_count = ${$client.pragma('page_count', { simple: true })}`);
    const filling = immediate(function* (tx) {
      yield* change(tx.insert(settings).values({ key: 'large', value: 'x'.repeat(1_000_000) }));
    });
    await expect(filling).rejects.toMatchObject({ code: 'storage-full' });
    $client.pragma('max_page_count = 1073741823');
    await immediate((tx) => change(tx.insert(settings).values({ key: 'small', value: 1 })));
  });
});
