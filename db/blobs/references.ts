/**
 * @file Which blobs are pointed to: by every column of the schema whose name ends in "blob",
 * whatever its table; by the cursor of training that is not done, whose checkpoint is a blob, too;
 * and by imports of uploaded files.
 */
import { and, eq, getTableColumns, gte, inArray, isNotNull, lt, ne } from 'drizzle-orm';
import { unfinishedStates } from '@/lib/rounds';
import { type Database, db, schema } from '../client';
import { jsonText, type TableColumn } from '../dialect';
import { portions } from '../portions';
import { pipelineImports } from '../schema/pipeline-imports';
import { rounds, work } from '../schema/rounds';
import { all, read, type Steps, type Transaction } from '../transaction';

/** All that a hash can begin with. */
const prefixes = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

/** Columns that hold hashes of blobs. Each needs an index where its table is large. */
export const blobColumns: TableColumn[] = Object.values(schema).flatMap((table) =>
  Object.entries(getTableColumns(table)).flatMap(([name, column]) =>
    /blob$/i.test(name) ? [column as TableColumn] : [],
  ),
);

/** The hashes among these that some row points to. */
export function* pointedTo(tx: Transaction, hashes: readonly string[]): Steps<Set<string>> {
  const found = new Set<string>();
  for (const some of portions(hashes)) {
    for (const column of blobColumns) {
      const rows = yield* all(
        tx.selectDistinct({ hash: column }).from(column.table).where(inArray(column, some)),
      );
      for (const { hash } of rows) found.add(String(hash));
    }
  }
  const inUse = [yield* checkpointsInUse(tx), yield* uploadsInUse(tx)];
  for (const hash of hashes) if (inUse.some((some) => some.has(hash))) found.add(hash);
  return found;
}

/**
 * All hashes that begin with two digits and that some row or cursor points to. @param prefix two
 * hexadecimal digits
 */
export function* pointedToUnder(prefix: string): Steps<Set<string>> {
  const found = yield* inColumnsUnder(prefix, db());
  const inUse = [...(yield* checkpointsInUse(db())), ...(yield* uploadsInUse(db()))];
  for (const hash of inUse) if (hash.startsWith(prefix)) found.add(hash);
  return found;
}

/**
 * The checkpoints that training goes on from: of rounds that are not over, or have failed and may
 * be tried again.
 */
function* checkpointsInUse(tx: Transaction): Steps<Set<string>> {
  const rows = yield* all(
    tx
      .select({ hash: jsonText(work.cursor, 'sha256') })
      .from(rounds)
      .innerJoin(work, eq(work.roundId, rounds.id))
      .where(
        and(
          inArray(rounds.state, [...unfinishedStates, 'failed']),
          eq(work.kind, 'train'),
          ne(work.state, 'done'),
        ),
      ),
  );
  return new Set(rows.flatMap(({ hash }) => hash ?? []));
}

/** The portions of uploaded files that are about to be read, or may be again. */
function* uploadsInUse(tx: Transaction): Steps<Set<string>> {
  const rows = yield* all(
    tx
      .select({ options: pipelineImports.options })
      .from(pipelineImports)
      .where(inArray(pipelineImports.state, ['queued', 'running', 'failed', 'cancelled'])),
  );
  return new Set(rows.flatMap(({ options }) => options.upload?.portions ?? []));
}

function* inColumnsUnder(prefix: string, database: Transaction): Steps<Set<string>> {
  const found = new Set<string>();
  for (const column of blobColumns) {
    const rows = yield* all(
      database
        .selectDistinct({ hash: column })
        .from(column.table)
        .where(and(isNotNull(column), gte(column, prefix), lt(column, `${prefix}g`))),
    );
    for (const { hash } of rows) found.add(String(hash));
  }
  return found;
}

/** Whether some row or cursor points to a blob. */
export async function isPointedTo(hash: string): Promise<boolean> {
  return (await read(pointedTo(db(), [hash]))).has(hash);
}

/**
 * All hashes that a database's rows point to, in order; without checkpoints, from whose start
 * training comes to the same result.
 */
export async function* allPointedTo(database: Database): AsyncGenerator<string> {
  for (const prefix of prefixes) {
    yield* [...(await read(inColumnsUnder(prefix, database), database))].sort();
  }
}
