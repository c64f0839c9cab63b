/**
 * @file The columns that another database keeps in another way, each under the name of what it
 * means: SQLite has one kind of whole number, Postgres counts in 32 bits unless told otherwise. No
 * table names a type by its size.
 */
import { customType, integer, real, text } from 'drizzle-orm/sqlite-core';

/** A moment, ms since 1970. Postgres: bigint as a number. */
export const instant = () => integer();

/**
 * The same as a Date, for better-auth's own tables, whose adapter passes Dates. Postgres: timestamp
 * with time zone.
 */
export const date = () => integer({ mode: 'timestamp_ms' });

/** What randomness begins with, in [0, 2^53). Postgres: bigint as a number. */
export const seed = () => integer();

/** How many, below 2^31: rows of one kind, a size, an order, a version. Postgres: integer. */
export const whole = () => integer();

/** A sum, or a sum of squares, of many of those. Postgres: bigint as a number. */
export const total = () => integer();

/**
 * Ids in the order in which rows came. Postgres: identity, and they are seen in the order of
 * commits only under one lock.
 */
export const serial = () => integer().primaryKey({ autoIncrement: true });

/** A fraction that must keep all its bits. Postgres: double precision. */
export const double = () => real();

/** True or false; never called a flag, which is a mark on an image. Postgres: boolean. */
export const boolean = () => integer({ mode: 'boolean' });

/**
 * Whatever JSON holds, as it was written: the order of keys, too. Postgres: text, since jsonb sorts
 * keys and refuses U+0000.
 */
export const json = <T>() => text({ mode: 'json' }).$type<T>();

/** JSON that an older version may have written. @param complete what reading makes of it */
export const jsonRead = <T>(complete: (stored: T) => T) =>
  customType<{ data: T; driverData: string }>({
    dataType: () => 'text',
    toDriver: (value) => JSON.stringify(value),
    fromDriver: (stored) => complete(JSON.parse(stored)),
  })();
