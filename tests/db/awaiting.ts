/**
 * A second runner, which awaits each step on a connection of its own as a runner for a database on
 * another machine must: the operations of db/ have to come to the same under it.
 */
import { setImmediate } from 'node:timers/promises';
import { type Database, databasePath, openDatabase } from '@/db/client';
import type { Step, Steps, Transaction } from '@/db/transaction';

let connection: { path: string; database: Database } | undefined;
let last: Promise<unknown> = Promise.resolve();

/** What was awaited so far: a test that counts none has tested the other runner. */
export const awaited = { decisions: 0, reads: 0, steps: 0 };

function connected(): Database {
  const path = databasePath();
  if (connection?.path !== path) {
    closeAwaiting();
    connection = { path, database: openDatabase(path) };
  }
  return connection.database;
}

export function closeAwaiting(): void {
  connection?.database.$client.close();
  connection = undefined;
}

async function answerOf(step: Step, database: Database): Promise<unknown> {
  awaited.steps++;
  // Whatever else is due in this process happens between any two statements.
  await setImmediate();
  return step.on(database);
}

async function driven<T>(steps: Steps<T>, database: Database): Promise<T> {
  let next = steps.next();
  while (!next.done) {
    const answered = await answerOf(next.value, database).then(
      (answer) => () => steps.next(answer),
      (thrown: unknown) => () => steps.throw(thrown),
    );
    next = answered();
  }
  return next.value;
}

async function decided<T>(decide: (tx: Transaction) => Steps<T>): Promise<T> {
  const database = connected();
  awaited.decisions++;
  database.$client.exec('begin immediate');
  try {
    const result = await driven(decide(database), database);
    database.$client.exec('commit');
    return result;
  } catch (thrown) {
    database.$client.exec('rollback');
    throw thrown;
  }
}

/** Stands in for db/transaction's `immediate`: decisions one after the other, each step awaited. */
export function immediate<T>(decide: (tx: Transaction) => Steps<T>): Promise<T> {
  const turn = last.then(() => decided(decide));
  last = turn.catch(() => {});
  return turn;
}

/** Stands in for db/transaction's `read`. */
export async function read<T>(steps: Steps<T>): Promise<T> {
  awaited.reads++;
  return driven(steps, connected());
}
