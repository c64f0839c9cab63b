/** @file Which blobs are pointed to: by every column of the schema whose name ends in "blob", whatever its table. */
import { and, getTableColumns, gte, inArray, isNotNull, lt } from 'drizzle-orm';
import { db, schema } from '../client';
import type { TableColumn } from '../dialect';
import { portions } from '../portions';
import type { Transaction } from '../transaction';

/** All that a hash can begin with. */
const prefixes = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

/** Columns that hold hashes of blobs. Each needs an index where its table is large. */
export const blobColumns: TableColumn[] = Object.values(schema).flatMap((table) =>
  Object.entries(getTableColumns(table)).flatMap(([name, column]) =>
    /blob$/i.test(name) ? [column as TableColumn] : [],
  ),
);

/** The hashes among these that some row points to. */
export function pointedTo(tx: Transaction, hashes: readonly string[]): Set<string> {
  const found = new Set<string>();
  for (const some of portions(hashes)) {
    for (const column of blobColumns) {
      const rows = tx
        .selectDistinct({ hash: column })
        .from(column.table)
        .where(inArray(column, some))
        .all();
      for (const { hash } of rows) found.add(String(hash));
    }
  }
  return found;
}

/** All hashes that begin with two digits and that some row points to. @param prefix two hexadecimal digits */
export function pointedToUnder(prefix: string, database: Transaction = db()): Set<string> {
  const found = new Set<string>();
  for (const column of blobColumns) {
    const rows = database
      .selectDistinct({ hash: column })
      .from(column.table)
      .where(and(isNotNull(column), gte(column, prefix), lt(column, `${prefix}g`)))
      .all();
    for (const { hash } of rows) found.add(String(hash));
  }
  return found;
}

/** All hashes that a database points to, in order. */
export function* allPointedTo(database: Transaction): Generator<string> {
  for (const prefix of prefixes) yield* [...pointedToUnder(prefix, database)].sort();
}
