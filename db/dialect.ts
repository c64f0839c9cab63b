/**
 * @file What another database says in other words, each under a name of its own. Nothing else in
 * db/ speaks SQLite's dialect but the files that open and migrate it and those whose triggers count
 * (tests/db/dialect.test.ts). The query builder's own `returning`, `onConflictDoNothing` and
 * `onConflictDoUpdate` are the same everywhere.
 */
import { type Column, getTableName, type SQL, type SQLWrapper, sql, type Table } from 'drizzle-orm';
import { type SQLiteColumn, alias as sqliteAlias } from 'drizzle-orm/sqlite-core';

/** A column of any table. */
export type TableColumn = SQLiteColumn;

/** A table under another name, to join it twice. */
export const alias = sqliteAlias;

/** A number within a JSON column, null where it is not there. @param keys ours, never a user's */
export function jsonNumber(column: Column, ...keys: string[]): SQL<number | null> {
  return sql<number | null>`json_extract(${column}, ${sql.raw(pathOf(keys))})`;
}

/** A text within a JSON column, null where it is not there. @param key ours, never a user's */
export function jsonText(column: Column, key: string): SQL<string | null> {
  return sql<string | null>`${column} ->> ${sql.raw(pathOf([key]))}`;
}

/** Whether the list that a JSON column holds under a key has a text. @param key ours */
export function jsonListHas(column: Column, key: string, text: string): SQL {
  return sql`exists (select 1 from json_each(${column}, ${sql.raw(pathOf([key]))}) where value = ${text})`;
}

/**
 * What a JSON column holds under a key, where that is an object or a list; null where it is not
 * there. @param key ours
 */
export function jsonPart(column: Column, key: string): SQL<unknown> {
  return sql`json_extract(${column}, ${sql.raw(pathOf([key]))})`.mapWith(JSON.parse);
}

function pathOf(keys: readonly string[]): string {
  return `'$.${keys.join('.')}'`;
}

/** A condition as a selected value. */
export function isTrue(condition: SQLWrapper): SQL<boolean> {
  return sql`${condition}`.mapWith(Boolean);
}

/** In how many rows a condition holds; 0 of none. */
export function countIf(condition: SQLWrapper | undefined): SQL<number> {
  return sql`count(*) filter (where ${condition})`.mapWith(Number);
}

/** A sum; 0 of none. */
export function sumOf(value: SQLWrapper): SQL<number> {
  return sql`coalesce(sum(${value}), 0)`.mapWith(Number);
}

/**
 * Where a row stands in the order in which rows were stored: grows, with gaps. Postgres: an
 * identity column.
 */
export function placeOf(table: Table): SQL<number> {
  return sql`${sql.identifier(getTableName(table))}.rowid`.mapWith(Number);
}

/** Whether a text holds a part, whatever its case in ASCII. */
export function contains(column: Column, part: string): SQL {
  return sql`${column} like ${`%${part.replace(/[\\%_]/g, '\\$&')}%`} escape '\\'`;
}

/** Whether a text is one of a list that may be longer than a statement may have values. */
export function isOneOf(column: Column, list: readonly string[]): SQL {
  return sql`${column} in (select value from json_each(${JSON.stringify(list)}))`;
}

/**
 * A list of records to select from, as rows called `given` in their order; its fields are read by
 * `givenText`.
 */
export function givenRows(list: readonly object[]): SQL {
  return sql`json_each(${JSON.stringify(list)}) as given`;
}

/** A field of a row of `givenRows` as text; JSON where it is an object. */
export function givenText(field: string): SQL<string | null> {
  return sql<string | null>`given.value ->> ${sql.raw(`'${field}'`)}`;
}

/** Where a row of `givenRows` stood in its list. */
export const givenPlace: SQL<number> = sql<number>`given.key`;
