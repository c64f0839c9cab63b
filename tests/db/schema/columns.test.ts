import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('../../../db/schema/', import.meta.url));

/** Types that name a size or an encoding of one database rather than a meaning. */
const bareType = /\b(integer|int|real|numeric|blob|customType)\(|\{ mode:/g;

/** What is wrong with a schema's columns, each as a sentence; `source` is the file's text. */
function problemsIn(source: string): string[] {
  const bare = [...source.matchAll(bareType)].map(
    ([found]) => `${found} depends on the database: take a type of columns.ts`,
  );
  const columns = [...source.matchAll(/^\s+(\w+): (\w+)(?:<.*>)?\(/gm)];
  const misnamed = columns.flatMap(([, name, type]) => {
    const wanted = typesOf(name!);
    return wanted.includes(type!) === (wanted.length > 0 || specific.includes(type!))
      ? []
      : [`${name} is ${type}, but ${wanted.join(' or ') || `no ${type}`} by its name`];
  });
  return [...bare, ...misnamed];
}

const specific = ['instant', 'date', 'seed'];

function typesOf(name: string): string[] {
  if (/At(Ms)?$|^until$/.test(name)) return ['instant', 'date'];
  return /seed$/i.test(name) ? ['seed'] : [];
}

describe('columns are typed by what they mean', () => {
  const files = readdirSync(folder).filter((name) => name !== 'columns.ts');

  it.each(files)('%s', (name) => {
    const source = readFileSync(`${folder}${name}`, 'utf8');
    expect(source).toContain("from './columns'");
    expect(problemsIn(source)).toEqual([]);
  });

  it.each([
    ['createdAt: integer().notNull(),', 2],
    ['reviewedAt: whole(),', 1],
    ['ordinal: instant(),', 1],
    ['noiseSeed: whole().notNull(),', 1],
    ["good: integer({ mode: 'boolean' }).notNull(),", 2],
    ['createdAt: instant().notNull(),', 0],
  ])('and else refused: %s', (line, problems) => {
    expect(problemsIn(`  ${line}\n`)).toHaveLength(problems);
  });
});
