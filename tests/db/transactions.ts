import type { Statement } from 'better-sqlite3';
import SqliteDatabase from 'better-sqlite3';

/** What one transaction did while it held the write lock. */
export interface Locked {
  statements: number;
  /** Rows read or written. */
  rows: number;
}

type Run = (this: Statement, ...values: unknown[]) => unknown;

/** Every immediate transaction that this process runs during an operation, in their order. */
export async function transactionsDuring(operation: () => Promise<unknown>): Promise<Locked[]> {
  const made = new SqliteDatabase(':memory:');
  const prototype = Object.getPrototypeOf(made.prepare('select 1')) as Record<string, Run>;
  made.close();
  const found: Locked[] = [];
  let current: Locked | null = null;
  const names = ['run', 'get', 'all'];
  const originals = new Map(names.map((name) => [name, prototype[name] as Run]));
  for (const [name, original] of originals) {
    prototype[name] = function (...values) {
      const result = original.apply(this, values);
      if (/^begin immediate/i.test(this.source)) current = { statements: 0, rows: 0 };
      else if (/^(commit|rollback)$/i.test(this.source)) {
        if (current) found.push(current);
        current = null;
      } else if (current) {
        current.statements++;
        current.rows += rowsOf(result);
      }
      return result;
    };
  }
  try {
    await operation();
  } finally {
    for (const [name, original] of originals) prototype[name] = original;
  }
  return found;
}

function rowsOf(result: unknown): number {
  if (Array.isArray(result)) return result.length;
  if (result !== null && typeof result === 'object' && 'changes' in result) {
    return Number(result.changes);
  }
  return result === undefined ? 0 : 1;
}

/** The most that any of them did. */
export function most(transactions: readonly Locked[]): Locked {
  return {
    statements: Math.max(0, ...transactions.map(({ statements }) => statements)),
    rows: Math.max(0, ...transactions.map(({ rows }) => rows)),
  };
}
