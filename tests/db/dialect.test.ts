import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eq, isNotNull, sql } from 'drizzle-orm';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import { contains, countIf, givenPlace, givenRows, givenText, isOneOf, sumOf } from '@/db/dialect';
import { user } from '@/db/schema/people';
import { createUser } from '../support/people';
import { withTemporaryHome } from './support';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Whose matter SQLite is: what opens, locks and migrates its file, and the triggers that count,
 * with what shares their words.
 */
const spokenIn = [
  'db/dialect.ts',
  'db/client.ts',
  'db/write-lock.ts',
  'db/health.ts',
  'db/known-migrations.ts',
  'db/migrate.ts',
  'db/figures/figures.ts',
  'db/figures/material-sql.ts',
  'db/figures/material-triggers.ts',
  'db/figures/taken-off.ts',
];

/** What only SQLite understands, or understands in its own way, within a statement. */
const words =
  /json_|->|sqlite_|\bpragma\b|group_concat|unixepoch|strftime|julianday|datetime\(|\biif\(|\bifnull\(|\btotal\(|\bsum\(|\browid\b|\blike\b|\bglob\b|\binstr\(|\bindexed by\b|\bmaterialized\b|\bcollate\b|\brandom\(|\bchanges\(|\bor (ignore|replace)\b|`/i;

/** The same in code. */
const calls =
  /\$client\b|\bsql\.raw\b|from 'better-sqlite3'|from 'drizzle-orm\/(?!sqlite-core';)[a-z-]*sqlite|from 'drizzle-orm\/better/;

/** Whatever of SQLite's own a source file says, each with its line. */
function spoken(path: string, text: string): string[] {
  const found: string[] = [];
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const note = (node: ts.Node, said: string) => {
    const { line } = file.getLineAndCharacterOfPosition(node.getStart());
    found.push(`${path}:${line + 1} says ${said}: give it a name in db/dialect.ts`);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isTaggedTemplateExpression(node) && /^sql\b/.test(node.tag.getText())) {
      const { template } = node;
      const parts = ts.isTemplateExpression(template)
        ? [template.head.text, ...template.templateSpans.map(({ literal }) => literal.text)]
        : [template.text];
      const word = parts.map((part) => words.exec(part)?.[0]).find(Boolean);
      if (word) note(node, word);
    }
    if (ts.isImportDeclaration(node) || ts.isPropertyAccessExpression(node)) {
      const call = calls.exec(node.getText())?.[0];
      if (call) note(node, call);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function sourcesUnder(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
}

describe('the dialect of SQLite', () => {
  it('is spoken in one file, and by what opens the database or counts in triggers', () => {
    const sources = sourcesUnder('db').filter((path) => !spokenIn.includes(path));
    expect(sources.length).toBeGreaterThan(50);
    expect(sources.flatMap((path) => spoken(path, readFileSync(join(root, path), 'utf8')))).toEqual(
      [],
    );
  });

  it('and SQL of any kind in db alone', () => {
    const sources = ['app', 'lib', 'trainer'].flatMap(sourcesUnder);
    expect(
      sources.filter((path) => /from 'drizzle-orm/.test(readFileSync(join(root, path), 'utf8'))),
    ).toEqual([]);
  });

  it.each([
    ["sql`json_extract(column, '$.a')`", 'json_'],
    ['sql<number>`sum(x)`', 'sum('],
    ['sql`flags.rowid`', 'rowid'],
    ['sql`iif(a, b, c)`', 'iif('],
    ["sql`name like '%a%'`", 'like'],
    ["sql`given.value ->> 'id'`", '->'],
    ['db().$client.prepare(text)', '$client'],
    ["import SqliteDatabase from 'better-sqlite3';", "from 'better-sqlite3'"],
  ])('is refused elsewhere: %s', (text, word) => {
    const found = spoken('db/a.ts', text);
    expect(found.length).toBeGreaterThan(0);
    expect(found[0]).toContain(`says ${word}`);
  });
});

describe('what is said by name', () => {
  withTemporaryHome();

  beforeAll(async () => {
    for (const [i, name] of ['Ann', '100%', 'under_score', 'back\\slash'].entries()) {
      await createUser({ name, email: `${i}@example.org`, role: 'annotator' });
    }
  });

  it('counts and sums to numbers, of nothing to 0', () => {
    const counted = (name: string) =>
      db()
        .select({
          all: countIf(sql`true`),
          paused: countIf(isNotNull(user.pausedAt)),
          sum: sumOf(sql`2`),
        })
        .from(user)
        .where(eq(user.name, name))
        .get();
    expect(counted('Ann')).toEqual({ all: 1, paused: 0, sum: 2 });
    expect(counted('nobody')).toEqual({ all: 0, paused: 0, sum: 0 });
  });

  it.each([
    ['aNN', ['Ann']],
    ['%', ['100%']],
    ['r_s', ['under_score']],
    ['k\\s', ['back\\slash']],
  ])('contains takes %s as it stands', (part, names) => {
    const rows = db().select({ name: user.name }).from(user).where(contains(user.name, part)).all();
    expect(rows.map(({ name }) => name)).toEqual(names);
  });

  it('lists longer than a statement may have values', () => {
    const names = ['Ann', ...Array.from({ length: 40_000 }, (_, i) => `person ${i}`)];
    const rows = db().select({ name: user.name }).from(user).where(isOneOf(user.name, names)).all();
    expect(rows).toEqual([{ name: 'Ann' }]);
  });

  it('reads given records in their order, objects as JSON', () => {
    const given = [
      { id: 'b', of: { deep: [1, null] } },
      { id: 'a', of: null },
    ];
    const rows = db().all(
      sql`select ${givenText('id')} as id, ${givenText('of')} as text from ${givenRows(given)} order by ${givenPlace}`,
    );
    expect(rows).toEqual([
      { id: 'b', text: '{"deep":[1,null]}' },
      { id: 'a', text: null },
    ]);
  });
});
