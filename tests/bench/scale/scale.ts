/** @file `npm run bench -- --scale`: what pages and picks cost in databases of several sizes. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeDatabases, databasePath } from '@/db/client';
import { type Grown, growHome } from '../../support/growth/grow';
import { type Asked, askedDuring } from '../../support/statements';
import { readsOf } from './reads';
import { writesOf } from './writes';

/** What one thing cost at one size. CPU of the process, median of three reads or of all writes. */
export interface Cost {
  cpuMs: number;
  statements: number;
  rows: number;
  /** Of the answer as JSON; null for what is written. */
  bytes: number | null;
  /** CPU of the longest write transaction; null for reads. */
  lockMs: number | null;
}

export interface ScaleRow {
  name: string;
  /** In the order of the sizes. */
  costs: Cost[];
  /**
   * How CPU grows with the answers between the two largest sizes: 0 not at all, 1 in proportion.
   */
  exponent: number | null;
}

export interface ScaleReport {
  answers: number[];
  databaseMib: number[];
  rows: ScaleRow[];
}

/** Fills a database of each size in a folder of its own, measures, and throws it away. */
export async function measureScale(sizes: readonly number[]): Promise<ScaleReport> {
  const before = process.env.DARKROOM_HOME;
  const byName = new Map<string, Cost[]>();
  const databaseMib: number[] = [];
  try {
    for (const answers of sizes) {
      const home = mkdtempSync(join(tmpdir(), 'darkroom-scale-'));
      process.env.DARKROOM_HOME = home;
      try {
        const grown = await growHome({ answers });
        databaseMib.push(Math.round(statSync(databasePath(home)).size / 2 ** 20));
        for (const [name, cost] of await costsOf(grown)) {
          const plain = name.replace(String(Math.round(answers / 2)), 'answers / 2');
          byName.set(plain, [...(byName.get(plain) ?? []), cost]);
        }
      } finally {
        closeDatabases();
        rmSync(home, { recursive: true, force: true });
      }
    }
  } finally {
    if (before === undefined) delete process.env.DARKROOM_HOME;
    else process.env.DARKROOM_HOME = before;
  }
  const rows = [...byName].map(([name, costs]) => ({
    name,
    costs,
    exponent: exponentOf(sizes, costs),
  }));
  return { answers: [...sizes], databaseMib, rows };
}

async function costsOf(grown: Grown): Promise<[string, Cost][]> {
  const found: [string, Cost][] = [];
  for (const { name, read } of readsOf(grown)) {
    const measured: Asked<unknown>[] = [];
    for (let i = 0; i < 3; i++) measured.push(await askedDuring(read));
    const { result, statements, rows } = measured[0]!;
    const bytes = Buffer.byteLength(JSON.stringify(result));
    found.push([
      name,
      {
        cpuMs: medianOf(measured.map(({ cpuMs }) => cpuMs)),
        statements: statements.length,
        rows,
        bytes,
        lockMs: null,
      },
    ]);
  }
  for (const { name, times, write } of await writesOf(grown)) {
    const measured: Asked<unknown>[] = [];
    for (let i = 0; i < times; i++) measured.push(await askedDuring(write));
    const { statements, rows } = measured.at(-1)!;
    const cpuMs = medianOf(measured.map((one) => one.cpuMs));
    const lockMs = medianOf(measured.map(longestLock));
    found.push([name, { cpuMs, statements: statements.length, rows, bytes: null, lockMs }]);
  }
  return found;
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

/** Below a millisecond there is nothing to grow. */
function exponentOf(sizes: readonly number[], costs: readonly Cost[]): number | null {
  const [small, large] = costs.slice(-2);
  const [few, many] = sizes.slice(-2);
  if (!small || !large || !few || !many) return null;
  const ratio = Math.max(large.cpuMs, 1) / Math.max(small.cpuMs, 1);
  return Math.log(ratio) / Math.log(many / few);
}

/** The table for people. */
export function scaleText({ answers, databaseMib, rows }: ScaleReport): string {
  const cells = rows.map(({ name, costs, exponent }) => [
    name,
    ...costs.map(({ cpuMs }) => cpuMs.toFixed(cpuMs < 10 ? 1 : 0)),
    exponent === null ? '' : exponent.toFixed(2),
    ...last(costs),
  ]);
  const head = [
    'CPU, ms',
    ...answers.map((n) => n.toLocaleString('en')),
    'exponent',
    'statements',
    'rows',
    'kB',
    'lock, ms',
  ];
  const table = [head, ...cells];
  const widths = head.map((_, i) => Math.max(...table.map((line) => line[i]!.length)));
  const line = (of: string[]) =>
    of.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  return [
    `Answers ${answers.map((n) => n.toLocaleString('en')).join(', ')}; databases of ${databaseMib.join(', ')} MiB.`,
    'CPU of the process, median of three; statements, rows, kB and write lock at the largest size.',
    '',
    ...table.map(line),
  ].join('\n');
}

function last(costs: readonly Cost[]): string[] {
  const { statements, rows, bytes, lockMs } = costs.at(-1)!;
  const kb = bytes === null ? '' : (bytes / 1000).toFixed(1);
  return [String(statements), String(rows), kb, lockMs === null ? '' : lockMs.toFixed(1)];
}

function longestLock({ transactions }: Asked<unknown>): number {
  return Math.max(0, ...transactions.map(({ cpuMs }) => cpuMs));
}
