/**
 * @file What an operation asks of SQLite: its statements, the rows that come back, and what it does
 * under the write lock.
 */
import type { Statement } from 'better-sqlite3';
import SqliteDatabase from 'better-sqlite3';

/** What one immediate transaction did while it held the write lock. */
export interface Locked {
  statements: number;
  /** Rows read or written. */
  rows: number;
  /** CPU, ms. */
  cpuMs: number;
}

export interface Asked<T> {
  result: T;
  /**
   * The SQL of every statement run, in order, values left out; those that begin and end
   * transactions too.
   */
  statements: string[];
  /** Rows handed to JavaScript. */
  rows: number;
  /** In order. */
  transactions: Locked[];
  /** CPU of the whole, ms. */
  cpuMs: number;
}

const methods = ['run', 'get', 'all', 'iterate'] as const;
type Patched = Record<(typeof methods)[number], (this: Statement, ...values: unknown[]) => unknown>;

/** Notes all that this process asks of any database while `operation` runs; one at a time. */
export async function askedDuring<T>(operation: () => Promise<T>): Promise<Asked<T>> {
  const prototype = statementPrototype();
  const originals = methods.map((name) => [name, prototype[name]] as const);
  const statements: string[] = [];
  const transactions: Locked[] = [];
  let rows = 0;
  let current: Locked | null = null;
  let lockedAt = 0;
  const note = (sql: string, result: unknown) => {
    statements.push(sql);
    rows += rowsRead(result);
    if (/^begin immediate/i.test(sql)) {
      current = { statements: 0, rows: 0, cpuMs: 0 };
      lockedAt = cpuNow();
    } else if (/^(commit|rollback)$/i.test(sql)) {
      if (current) transactions.push({ ...current, cpuMs: cpuNow() - lockedAt });
      current = null;
    } else if (current && !/^pragma/i.test(sql)) {
      current.statements++;
      current.rows += rowsRead(result) + rowsWritten(result);
    }
  };
  for (const [name, original] of originals) {
    prototype[name] = function (...values) {
      const result = original.apply(this, values);
      note(this.source, result);
      return result;
    };
  }
  const startedAt = cpuNow();
  try {
    const result = await operation();
    return { result, statements, rows, transactions, cpuMs: cpuNow() - startedAt };
  } finally {
    for (const [name, original] of originals) prototype[name] = original;
  }
}

/** The most that any of them did. */
export function most(transactions: readonly Locked[]): Pick<Locked, 'statements' | 'rows'> {
  return {
    statements: Math.max(0, ...transactions.map(({ statements }) => statements)),
    rows: Math.max(0, ...transactions.map(({ rows }) => rows)),
  };
}

/** What `run` gives tells how many rows it changed; all else is a row, or rows. */
function isOutcome(result: unknown): result is { changes: number } {
  return result !== null && typeof result === 'object' && 'lastInsertRowid' in result;
}

function rowsRead(result: unknown): number {
  if (Array.isArray(result)) return result.length;
  return result === undefined || isOutcome(result) ? 0 : 1;
}

function rowsWritten(result: unknown): number {
  return isOutcome(result) ? result.changes : 0;
}

function cpuNow(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function statementPrototype(): Patched {
  const database = new SqliteDatabase(':memory:');
  const prototype = Object.getPrototypeOf(database.prepare('select 1')) as Patched;
  database.close();
  return prototype;
}
