/** @file Points in time as tools write them into files of data. */

/**
 * No data set of preferences on generated images is older; smaller numbers are counters or
 * placeholders.
 */
const earliest = Date.UTC(1990, 0, 1);
const dayMs = 86_400_000;

/**
 * Numbers below the bound are in units of so many ms: seconds, ms, µs, ns. The ranges cannot meet
 * between 1990 and 2500.
 */
const epochUnits: readonly (readonly [bound: number, ms: number])[] = [
  [2e10, 1e3],
  [2e13, 1],
  [2e16, 1e-3],
  [2e19, 1e-6],
];

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** 2023-01-15, 2023-01-15 12:00, 20230115T120000.5Z, 2023-01-15T12:00:00,123456789 +01:00 … */
const isoPattern =
  /^(\d{4})([-/]?)(\d\d)\2(\d\d)(?:[T ,_]+(\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?)?\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?(?::?\d\d)?)?(?:\[[\w/+-]+\]|\s[a-z]{3,4})?$/i;
/** Sun, 15 Jan 2023 12:00:00 GMT; 15-Jan-2023 12:00 */
const mailPattern =
  /^(?:[a-z]{3,9},?\s+)?(\d{1,2})[\s-]([a-z]{3})[a-z]*[\s-](\d{4})\s+(\d\d):(\d\d)(?::(\d\d))?\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?$/i;
/** Sun Jan 15 2023 12:00:00 GMT+0100 (Central European Standard Time); Sun Jan 15 12:00:00 2023 */
const spokenPattern =
  /^[a-z]{3}\s+([a-z]{3})\s+(\d{1,2})\s+(?:(\d{4})\s+)?(\d\d):(\d\d):(\d\d)(?:\s+(?:UTC|GMT|Z)?([+-]\d\d:?\d\d)?)?(?:\s+(\d{4}))?(?:\s+\(.*\))?$/i;

/**
 * Milliseconds since 1970 of a time as public tools write it: seconds, ms, µs or ns since 1970, as
 * a number or as text; ISO 8601 and its cousins with or without a zone; dates of mails and of
 * JavaScript; MongoDB's and protobuf's objects. Without a zone it is UTC, as in Parquet. Null where
 * it is no such time, or none between 1990 and tomorrow.
 * @param now ms
 */
export function readTime(value: unknown, now: number): number | null {
  const ms = millisecondsIn(value);
  if (ms === null || !Number.isFinite(ms) || ms < earliest || ms > now + dayMs) return null;
  return Math.round(ms);
}

function millisecondsIn(value: unknown): number | null {
  if (typeof value === 'number') return sinceEpoch(value);
  if (typeof value === 'string') return inText(value.trim());
  if (typeof value !== 'object' || value === null) return null;
  const fields = value as Record<string, unknown>;
  const wrapped = fields.$date ?? fields.$numberLong ?? fields.value;
  if (wrapped !== undefined) return millisecondsIn(wrapped);
  const seconds = Number(fields.seconds ?? fields._seconds ?? Number.NaN);
  const nanoseconds = Number(fields.nanoseconds ?? fields._nanoseconds ?? fields.nanos ?? 0);
  return seconds * 1e3 + nanoseconds / 1e6;
}

function sinceEpoch(count: number): number | null {
  const unit = epochUnits.find(([bound]) => count < bound);
  return unit ? count * unit[1] : null;
}

function inText(text: string): number | null {
  const bare = /^(?:pd\.)?Timestamp\('(.+?)'.*\)$/.exec(text)?.[1] ?? text;
  // .NET's JSON of old.
  const [, wrapped] = /^\/Date\((\d+)(?:[+-]\d{4})?\)\/$/.exec(bare) ?? [];
  if (wrapped) return Number(wrapped);
  const iso = isoPattern.exec(bare);
  // Eight digits by themselves are a day; more are a count.
  if (iso && !/^\d{9,}$/.test(bare)) {
    const [, year, , month, day, hour, minute, second, fraction, zone] = iso;
    return utc([year, month, day, hour, minute, second], fraction, zone);
  }
  if (/^\d+(?:\.\d+)?(?:e\+?\d+)?$/i.test(bare)) return sinceEpoch(Number(bare));
  const mail = mailPattern.exec(bare);
  if (mail) {
    const [, day, month, year, hour, minute, second, zone] = mail;
    return utc([year, monthNumber(month), day, hour, minute, second], undefined, zone);
  }
  const spoken = spokenPattern.exec(bare);
  if (!spoken) return null;
  const [, month, day, yearBefore, hour, minute, second, zone, yearAfter] = spoken;
  const year = yearBefore ?? yearAfter;
  return utc([year, monthNumber(month), day, hour, minute, second], undefined, zone);
}

const monthNumber = (name = '') => String(months.indexOf(name.toLowerCase()) + 1);

/** Null for days and hours that no calendar or clock has. */
function utc(
  parts: readonly (string | undefined)[],
  fraction: string | undefined,
  zone: string | undefined,
): number | null {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.map((part) =>
    Number(part ?? 0),
  );
  const midnight = new Date(Date.UTC(year, month - 1, day));
  if (midnight.getUTCMonth() !== month - 1 || midnight.getUTCDate() !== day) return null;
  // A leap second is written as 60.
  if (hour > 24 || minute > 59 || second > 60) return null;
  const ms = fraction ? Number(`0.${fraction}`) * 1000 : 0;
  return (
    midnight.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 + Math.floor(ms) - offset(zone)
  );
}

/** What a zone is ahead of UTC, ms. */
function offset(zone: string | undefined): number {
  const [, sign, hours = 0, minutes = 0] = /^([+-])(\d\d):?(\d\d)?/.exec(zone ?? '') ?? [];
  const ahead = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return sign === '-' ? -ahead : ahead;
}
