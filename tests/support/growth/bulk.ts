/**
 * @file Rows into tables by the hundred thousand: one prepared statement a table, in one
 * transaction.
 */
import type { Statement } from 'better-sqlite3';
import { getTableColumns, getTableName } from 'drizzle-orm';
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';
import type { Database } from '@/db/client';

/** Stores one row as the operations of db/ would: columns left out take their default. */
export type Insert = <T extends SQLiteTable>(table: T, row: T['$inferInsert']) => void;

/** Runs `fill` in one transaction; statements are prepared once. */
export function inBulk<T>(database: Database, fill: (insert: Insert) => T): T {
  const client = database.$client;
  const prepared = new Map<
    SQLiteTable,
    { statement: Statement; columns: [string, SQLiteColumn][] }
  >();
  const insertInto = (table: SQLiteTable) => {
    const known = prepared.get(table);
    if (known) return known;
    const columns = Object.entries(getTableColumns(table));
    const names = columns.map(([key]) => `\`${snakeCase(key)}\``).join(', ');
    const places = columns.map(() => '?').join(', ');
    const made = {
      columns,
      statement: client.prepare(
        `insert into \`${getTableName(table)}\` (${names}) values (${places})`,
      ),
    };
    prepared.set(table, made);
    return made;
  };
  const insert: Insert = (table, row) => {
    const { statement, columns } = insertInto(table);
    const values = row as Record<string, unknown>;
    statement.run(
      columns.map(([key, column]) => {
        const value = values[key] ?? column.default ?? null;
        return value === null ? null : column.mapToDriverValue(value);
      }),
    );
  };
  return client.transaction(() => fill(insert)).immediate();
}

/** As drizzle's `casing: 'snake_case'` names a column. */
function snakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
}
