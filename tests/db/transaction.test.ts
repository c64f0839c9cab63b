import { expect, it } from 'vitest';
import { db, openDatabase } from '@/db/client';
import { settings } from '@/db/schema/people';
import { change, immediate } from '@/db/transaction';
import { withTemporaryHome } from './support';

withTemporaryHome();

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

it('lets everything else go on while another process holds the write lock, then decides in the order asked', async () => {
  const other = openDatabase();
  other.$client.exec('begin immediate');
  const decided: number[] = [];
  const decisions = [1, 2, 3].map((n) =>
    immediate(function* (tx) {
      yield* change(tx.insert(settings).values({ key: `turn-${n}`, value: n }));
      decided.push(n);
    }),
  );
  // Timers run and reads are answered: the lock is waited for without holding this process up.
  let beats = 0;
  for (; beats < 5; beats++) {
    await pause(5);
    expect(db().select().from(settings).all()).toEqual([]);
  }
  expect(decided).toEqual([]);
  other.$client.exec('commit');
  await Promise.all(decisions);
  expect(decided).toEqual([1, 2, 3]);
  expect(db().$client.pragma('busy_timeout', { simple: true })).toBe(5000);
  other.$client.close();
});

it('runs a decision once, however often it had to ask, and passes its refusal on', async () => {
  const other = openDatabase();
  other.$client.exec('begin immediate');
  let runs = 0;
  const refused = immediate(() => {
    runs++;
    throw new Error('changed my mind');
  });
  await pause(30);
  other.$client.exec('rollback');
  await expect(refused).rejects.toThrow('changed my mind');
  expect(runs).toBe(1);
  other.$client.close();
});
