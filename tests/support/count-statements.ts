/** @file What an operation asks of SQLite: statements, rows that come back, and how long it holds the write lock. */
import type { Statement } from 'better-sqlite3';
import SqliteDatabase from 'better-sqlite3';

export interface Asked<T> {
  result: T;
  /** Statements run, those that begin and end transactions too. */
  statements: number;
  /** Rows handed to JavaScript. */
  rows: number;
  /** CPU of the longest transaction that held the write lock, ms. */
  lockMs: number;
  /** CPU of the whole, ms. */
  cpuMs: number;
}

type Method = 'run' | 'get' | 'all';

/** Counts all that this process asks of any database while `operation` runs; one at a time. */
export async function countStatements<T>(operation: () => Promise<T>): Promise<Asked<T>> {
  const prototype = statementPrototype();
  const methods: Method[] = ['run', 'get', 'all'];
  const originals = methods.map((name) => [name, prototype[name]] as const);
  const counted = { statements: 0, rows: 0, lockMs: 0 };
  let lockedAt: number | null = null;
  for (const [name, original] of originals) {
    prototype[name] = function (this: Statement, ...values: unknown[]) {
      counted.statements++;
      const found = original.apply(this, values);
      if (name === 'all') counted.rows += (found as unknown[]).length;
      if (name === 'get' && found !== undefined) counted.rows++;
      const { source } = this;
      if (/^begin immediate/i.test(source)) lockedAt = cpuNow();
      else if (lockedAt !== null && /^(commit|rollback)/i.test(source)) {
        counted.lockMs = Math.max(counted.lockMs, cpuNow() - lockedAt);
        lockedAt = null;
      }
      return found;
    };
  }
  const startedAt = cpuNow();
  try {
    const result = await operation();
    return { result, ...counted, cpuMs: cpuNow() - startedAt };
  } finally {
    for (const [name, original] of originals) prototype[name] = original;
  }
}

function cpuNow(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

type Patched = Record<Method, (this: Statement, ...values: unknown[]) => unknown>;

function statementPrototype(): Patched {
  const database = new SqliteDatabase(':memory:');
  const prototype = Object.getPrototypeOf(database.prepare('select 1'));
  database.close();
  return prototype;
}
