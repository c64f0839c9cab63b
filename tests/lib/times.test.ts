import { describe, expect, it } from 'vitest';
import { readTime } from '@/lib/times';

const now = Date.UTC(2026, 0, 1);
const noon = Date.UTC(2023, 0, 15, 12);

describe('a time as tools write it', () => {
  it.each([
    ['seconds', noon / 1000, noon],
    ['seconds with a fraction', noon / 1000 + 0.123, noon + 123],
    ['milliseconds (pandas, datasets)', noon + 123, noon + 123],
    ['microseconds', (noon + 123) * 1000 + 456, noon + 123],
    ['nanoseconds, past 2^53', Number(`${noon + 123}456789`), noon + 123],
    ['seconds as text', String(noon / 1000), noon],
    ['milliseconds as text', String(noon), noon],
    ['microseconds as text', `${noon}000`, noon],
    ['nanoseconds as text', `${noon}000000`, noon],
    ['a float as text', '1673784000123.0', noon + 123],
    ['a float of a table', '1.673784e+12', noon],
    ['ISO', '2023-01-15T12:00:00Z', noon],
    ['ISO with ms', '2023-01-15T12:00:00.123Z', noon + 123],
    ['ISO without a zone (pandas)', '2023-01-15T12:00:00.123', noon + 123],
    ['ISO with ns (pandas)', '2023-01-15T12:00:00.123456789', noon + 123],
    ['ISO with an offset', '2023-01-15T13:30:00+01:30', noon],
    ['ISO with an offset of digits', '2023-01-15T04:00:00-0800', noon],
    ['ISO with an offset of hours', '2023-01-15T13:00:00+01', noon],
    ['ISO with a named zone', '2023-01-15T13:00:00+01:00[Europe/Berlin]', noon],
    ['ISO without seconds', '2023-01-15T12:00', noon],
    ['ISO without separators', '20230115T120000Z', noon],
    ['ISO in small letters', '2023-01-15t12:00:00z', noon],
    ['a comma before the fraction', '2023-01-15 12:00:00,123', noon + 123],
    ['str(datetime)', '2023-01-15 12:00:00.123456', noon + 123],
    ['PostgreSQL, DuckDB', '2023-01-15 12:00:00.123456+00', noon + 123],
    ['PostgreSQL elsewhere', '2023-01-15 14:30:00+02:30', noon],
    ['polars, MySQL, SQLite', '2023-01-15 12:00:00', noon],
    ['BigQuery', '2023-01-15 12:00:00.123 UTC', noon + 123],
    ['Go', '2023-01-15 12:00:00 +0000 UTC', noon],
    ['a day', '2023-01-15', Date.UTC(2023, 0, 15)],
    ['a day of digits', '20230115', Date.UTC(2023, 0, 15)],
    ['slashes, year first', '2023/01/15 12:00:00', noon],
    ['a mail', 'Sun, 15 Jan 2023 13:00:00 +0100', noon],
    ['HTTP', 'Sun, 15 Jan 2023 12:00:00 GMT', noon],
    ['ctime', 'Sun Jan 15 12:00:00 2023', noon],
    ['JavaScript', 'Sun Jan 15 2023 13:00:00 GMT+0100 (Central European Standard Time)', noon],
    ['repr of pandas', "Timestamp('2023-01-15 12:00:00')", noon],
    ['MongoDB', { $date: '2023-01-15T12:00:00Z' }, noon],
    ['MongoDB, canonical', { $date: { $numberLong: String(noon) } }, noon],
    ['protobuf', { seconds: noon / 1000, nanos: 123_000_000 }, noon + 123],
    ['Firestore', { _seconds: noon / 1000, _nanoseconds: 0 }, noon],
    ['.NET', `/Date(${noon})/`, noon],
    ['white space around it', ' 2023-01-15 12:00:00 ', noon],
    ['a leap second', '2016-12-31T23:59:60Z', Date.UTC(2017, 0, 1)],
  ])('%s', (_, written, ms) => {
    expect(readTime(written, now)).toBe(ms);
  });

  it.each([
    [null],
    [undefined],
    [''],
    ['NaT'],
    ['yesterday'],
    [0],
    [-1],
    [12],
    [20230115],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [true],
    [[]],
    [{}],
    [{ $date: {} }],
    ['2023-02-30'],
    ['2023-13-01'],
    ['2023-01-15T25:00:00Z'],
    ['2023-01-15T12:61:00Z'],
    // Day or month first?
    ['01/02/2023 12:00:00'],
    ['1970-01-01T00:00:00Z'],
    ['Sun, 15 Foo 2023 12:00:00 GMT'],
    // After tomorrow.
    ['2026-01-03T00:00:00Z'],
    ['1e400'],
  ])('%j is none', (written) => {
    expect(readTime(written, now)).toBeNull();
  });

  it('does not depend on the zone of the machine', () => {
    const before = process.env.TZ;
    process.env.TZ = 'America/Los_Angeles';
    try {
      expect(readTime('2023-01-15 12:00:00', now)).toBe(noon);
      expect(readTime('Sun Jan 15 12:00:00 2023', now)).toBe(noon);
    } finally {
      if (before === undefined) delete process.env.TZ;
      else process.env.TZ = before;
    }
  });
});
