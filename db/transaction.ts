/**
 * @file How operations speak to the database. One is written as steps (`const row = yield*
 * one(query)`), so that it says nothing about waiting: on SQLite a runner drives it to its end
 * without giving way, and nothing comes in between; a runner of a database on another machine
 * awaits each step instead.
 */
import type { SQL } from 'drizzle-orm';
import type { BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core';
import { type Database, db, type schema } from './client';
import { withWriteLock } from './write-lock';

/**
 * What builds statements: a transaction, or the database itself where reads are enough. It leaves
 * open whether an answer is there at once, so that nobody runs one but through a step.
 */
export type Transaction = BaseSQLiteDatabase<'sync' | 'async', { changes: number }, typeof schema>;

type Values = Record<string, unknown>;

/** A statement that was built, or prepared. */
interface Query<One = unknown, All = unknown, Ran = unknown> {
  get(values?: Values): One;
  all(values?: Values): All;
  run(values?: Values): Ran;
}

/** A statement, or one that is prepared for the connection that it runs on. */
type Asked<One = unknown, All = unknown, Ran = unknown> =
  | Query<One, All, Ran>
  | ((database?: Database) => Query<One, All, Ran>);

/** One statement that an operation asks its runner to run. */
export class Step {
  constructor(
    private readonly asked: Asked,
    private readonly how: keyof Query,
    private readonly values?: Values,
  ) {}

  /** Runs it: what it found, or a promise of it where the database is asked over a network. */
  on(database: Database): unknown {
    const query = typeof this.asked === 'function' ? this.asked(database) : this.asked;
    return query[this.how](this.values);
  }
}

/** An operation, or a part of one: it asks for statements and comes to a result. */
export type Steps<T> = Generator<Step, T, unknown>;

/** The first row of a statement, undefined where there is none. @param values of placeholders */
export function* one<One>(query: Asked<One>, values?: Values): Steps<Awaited<One>> {
  return (yield new Step(query, 'get', values)) as Awaited<One>;
}

/** All rows of a statement. @param values of placeholders */
export function* all<All>(query: Asked<unknown, All>, values?: Values): Steps<Awaited<All>> {
  return (yield new Step(query, 'all', values)) as Awaited<All>;
}

/** Runs a statement that changes rows. @param values of placeholders */
export function* change<Ran>(
  query: Asked<unknown, unknown, Ran>,
  values?: Values,
): Steps<Awaited<Ran>> {
  return (yield new Step(query, 'run', values)) as Awaited<Ran>;
}

/** A statement written in SQL, to ask for. */
export function statement<Row>(tx: Transaction, query: SQL) {
  return {
    get: () => tx.get<Row | undefined>(query),
    all: () => tx.all<Row>(query),
    run: () => tx.run(query),
  };
}

/**
 * Runs a decision in one transaction that holds the write lock from its first read on, so that
 * nothing it has read can change before it writes. It may throw to undo. It can wait for statements
 * and for nothing else. Throws 'unavailable' where others do not give the lock back.
 */
export async function immediate<T>(decide: (tx: Transaction) => Steps<T>): Promise<T> {
  return withWriteLock((tx) => drive(decide(tx)));
}

/**
 * Runs reads that need no transaction, one after the other. @param database of another folder than
 * the one in use, which may hold none
 */
export async function read<T>(steps: Steps<T>, database?: Database): Promise<T> {
  return drive(steps, database);
}

/** SQLite's runner: to the end, without giving way. What a statement throws, its asker hears. */
function drive<T>(steps: Steps<T>, database = db()): T {
  if (!(Symbol.iterator in Object(steps) && 'next' in steps)) return refuseToWait(steps);
  let next = steps.next();
  while (!next.done) {
    const step: unknown = next.value;
    if (!(step instanceof Step)) return refuseToWait(step);
    let answer: unknown;
    try {
      answer = step.on(database);
    } catch (thrown) {
      next = steps.throw(thrown);
      continue;
    }
    next = steps.next(answer);
  }
  return next.value;
}

/** While a decision waited for anything else, others would read and write in its transaction. */
function refuseToWait(given: unknown): never {
  const what = Object.prototype.toString.call(given).slice('[object '.length, -1);
  throw new TypeError(
    `An operation waits for statements and nothing else (yield* one(query)); this one gave a ${what}.`,
  );
}
