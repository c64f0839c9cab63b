import { db } from '@/db/client';

type Statement = { source: string } & Record<string, (...values: unknown[]) => unknown>;

/** Runs `act` and returns the SQL of every statement that this process executed meanwhile, in order, values left out. */
export async function statementsOf(act: () => Promise<unknown>): Promise<string[]> {
  const seen: string[] = [];
  const prototype = Object.getPrototypeOf(db().$client.prepare('select 1')) as Statement;
  const methods = ['run', 'get', 'all', 'iterate'] as const;
  const before = methods.map((method) => prototype[method]!);
  methods.forEach((method, i) => {
    prototype[method] = function counted(this: Statement, ...values: unknown[]) {
      seen.push(this.source);
      return before[i]!.apply(this, values);
    };
  });
  try {
    await act();
  } finally {
    methods.forEach((method, i) => {
      prototype[method] = before[i]!;
    });
  }
  return seen;
}

/** How SQLite means to run a statement, a line for each table it looks into. */
export function planOf(sql: string): string[] {
  const rows = db().$client.prepare(`explain query plan ${sql}`).raw(true);
  const places = (sql.match(/\?/g) ?? []).map(() => null);
  return (rows.all(...places) as [number, number, number, string][]).map(
    ([, , , detail]) => detail,
  );
}
