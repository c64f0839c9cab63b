import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eq, sql } from 'drizzle-orm';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { db, openDatabase } from '@/db/client';
import { prepared } from '@/db/prepared';
import { settings } from '@/db/schema/people';
import {
  all,
  change,
  immediate,
  one,
  read,
  type Steps,
  statement,
  type Transaction,
} from '@/db/transaction';
import { withTemporaryHome } from './support';

withTemporaryHome();

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

it('lets everything else go on while another process holds the write lock, then decides in the order asked', async () => {
  const other = openDatabase();
  other.$client.exec('begin immediate');
  const decided: number[] = [];
  const decisions = [1, 2, 3].map((n) =>
    immediate(function* (tx) {
      yield* change(tx.insert(settings).values({ key: `turn-${n}`, value: n }));
      decided.push(n);
    }),
  );
  // Timers run and reads are answered: the lock is waited for without holding this process up.
  let beats = 0;
  for (; beats < 5; beats++) {
    await pause(5);
    expect(db().select().from(settings).all()).toEqual([]);
  }
  expect(decided).toEqual([]);
  other.$client.exec('commit');
  await Promise.all(decisions);
  expect(decided).toEqual([1, 2, 3]);
  expect(db().$client.pragma('busy_timeout', { simple: true })).toBe(5000);
  other.$client.close();
});

it('runs a decision once, however often it had to ask, and passes its refusal on', async () => {
  const other = openDatabase();
  other.$client.exec('begin immediate');
  let runs = 0;
  const refused = immediate(() => {
    runs++;
    throw new Error('changed my mind');
  });
  await pause(30);
  other.$client.exec('rollback');
  await expect(refused).rejects.toThrow('changed my mind');
  expect(runs).toBe(1);
  other.$client.close();
});

const named = prepared((database) =>
  database
    .select({ value: settings.value })
    .from(settings)
    .where(eq(settings.key, sql.placeholder('key')))
    .prepare(),
);

function* store(tx: Transaction, key: string, value: number): Steps<number> {
  const { changes } = yield* change(tx.insert(settings).values({ key, value }));
  return changes;
}

describe('a decision', () => {
  it('asks for one row, all rows, changes, what is prepared and what is written in SQL', async () => {
    const found = await immediate(function* (tx) {
      const changes = yield* store(tx, 'asked', 7);
      const here = eq(settings.key, 'asked');
      return {
        changes,
        one: (yield* one(tx.select().from(settings).where(here)))?.value,
        none: yield* one(tx.select().from(settings).where(eq(settings.key, 'nobody'))),
        all: (yield* all(tx.select().from(settings).where(here))).map(({ value }) => value),
        prepared: yield* one(named, { key: 'asked' }),
        written: yield* all(
          statement<{ key: string }>(tx, sql`select key from settings where key = 'asked'`),
        ),
      };
    });
    expect(found).toEqual({
      changes: 1,
      one: 7,
      none: undefined,
      all: [7],
      prepared: { value: 7 },
      written: [{ key: 'asked' }],
    });
    expect(await read(one(named, { key: 'asked' }))).toEqual({ value: 7 });
  });

  it('hears what a statement throws, and may go on', async () => {
    const heard = await immediate(function* (tx) {
      yield* store(tx, 'taken', 1);
      try {
        yield* store(tx, 'taken', 2);
      } catch {
        return 'taken already';
      }
      return 'stored twice';
    });
    expect(heard).toBe('taken already');
    expect(await read(one(named, { key: 'taken' }))).toEqual({ value: 1 });
  });

  it('lets nothing come in between its statements', async () => {
    let between = 0;
    const beat = setInterval(() => between++, 0);
    await pause(5);
    const before = between;
    await immediate(function* (tx) {
      queueMicrotask(() => between++);
      for (let n = 0; n < 200; n++) yield* store(tx, `many-${n}`, n);
      expect(between).toBe(before);
    });
    clearInterval(beat);
  });

  it.each<[string, (tx: Transaction) => unknown, string]>([
    ['is async', async () => 1, 'Promise'],
    [
      'is an async generator',
      async function* (tx) {
        yield* store(tx, 'x', 1);
      },
      'AsyncGenerator',
    ],
    [
      'waits for a promise',
      function* (tx) {
        yield* store(tx, 'x', 1);
        yield pause(1);
      },
      'Promise',
    ],
    ['is no steps at all', () => 1, 'Number'],
  ])('is refused and undone where it %s', async (_, decide, gave) => {
    const refused = immediate(decide as (tx: Transaction) => Steps<unknown>);
    await expect(refused).rejects.toThrow(
      `nothing else (yield* one(query)); this one gave a ${gave}`,
    );
    expect(await read(one(named, { key: 'x' }))).toBeUndefined();
  });

  it('cannot be written so', () => {
    const wrong = () => [
      // @ts-expect-error a promise is no steps
      immediate(async (tx) => tx.select().from(settings)),
      // @ts-expect-error nor is what waits for one
      immediate(function* () {
        yield pause(1);
      }),
      // @ts-expect-error a statement that runs itself answers now or later: only a step knows
      (tx: Transaction): string | undefined => tx.select().from(settings).get()?.key,
    ];
    expect(wrong).toBeInstanceOf(Function);
  });
});

const root = fileURLToPath(new URL('../..', import.meta.url));

function sourcesUnder(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
}

const parse = (path: string, text = readFileSync(join(root, path), 'utf8')) =>
  ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);

function everyNode(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => everyNode(child, visit));
}

const isGenerator = (node: ts.Node): boolean =>
  (ts.isFunctionDeclaration(node) ||
    ts.isFunctionExpression(node) ||
    ts.isMethodDeclaration(node)) &&
  node.asteriskToken !== undefined &&
  !node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.AsyncKeyword) &&
  !node.type?.getText().startsWith('Generator');

/** The names of what makes steps: functions, and function types that are handed on. */
function stepsNamed(file: ts.SourceFile): { everywhere: string[]; here: string[] } {
  const everywhere: string[] = [];
  const here: string[] = [];
  everyNode(file, (node) => {
    const makes =
      isGenerator(node) ||
      ((ts.isFunctionLike(node) || ts.isFunctionTypeNode(node)) &&
        node.type?.getText().startsWith('Steps<'));
    if (!makes) return;
    const said = ts.isFunctionDeclaration(node) || ts.isMethodSignature(node) ? node : node.parent;
    const name =
      'name' in said && ts.isIdentifier(said.name as ts.Node) ? (said.name as ts.Identifier) : null;
    const isExported = ts.isFunctionDeclaration(said) && said.modifiers?.length;
    if (name) (isExported ? everywhere : here).push(name.text);
  });
  return { everywhere, here };
}

/** Steps that nobody takes, and statements within steps that run themselves, each with its line. */
function lyingIn(file: ts.SourceFile, everywhere: ReadonlySet<string>): string[] {
  const here = new Set(stepsNamed(file).here);
  const otherwise = new Set<string>();
  everyNode(file, (node) => {
    if (ts.isVariableDeclaration(node) && !here.has(node.name.getText())) {
      otherwise.add(node.name.getText());
    }
  });
  const lying: string[] = [];
  everyNode(file, (node) => {
    if (!ts.isCallExpression(node)) return;
    const { expression: called, parent } = node;
    const { line } = file.getLineAndCharacterOfPosition(node.getStart());
    const at = `${file.fileName}:${line + 1}`;
    const name = ts.isPropertyAccessExpression(called) ? called.name.text : called.getText();
    const isGlobal = ts.isIdentifier(called) && everywhere.has(name) && !otherwise.has(name);
    const isOurs = isGlobal || here.has(name);
    const isTaken =
      (ts.isYieldExpression(parent) && parent.asteriskToken) ||
      (ts.isArrowFunction(parent) && parent.body === node) ||
      (ts.isCallExpression(parent) && /^(read|drive)$/.test(parent.expression.getText()));
    if (isOurs && !isTaken)
      lying.push(`${at} nobody takes the steps of ${name}: yield* ${name}(…)`);
    if (!ts.isPropertyAccessExpression(called) || !/^(run|all|get)$/.test(name)) return;
    const runsItself = ts.isCallExpression(called.expression) || name === 'run';
    if (runsItself && ts.findAncestor(node, isGenerator)) {
      lying.push(`${at} .${name}() runs itself: yield* one, all or change`);
    }
  });
  return lying;
}

describe('steps', () => {
  const files = sourcesUnder('db').map((path) => parse(path));
  const everywhere = new Set([
    ...files.flatMap((file) => stepsNamed(file).everywhere),
    ...['one', 'all', 'change'],
  ]);

  it('are always taken: one that lies about would do nothing, and say nothing', () => {
    expect(everywhere.size).toBeGreaterThan(40);
    expect(files.flatMap((file) => lyingIn(file, everywhere))).toEqual([]);
  });

  it.each([
    ["recordEvent(tx, { kind: 'state' });", 'recordEvent'],
    ['const id = recordAudit(tx, { actorId: null }) + 1;', 'recordAudit'],
    ['change(tx.delete(table));', 'change'],
    ['const rows = all(tx.select().from(table));', 'all'],
    ['own(tx);', 'own'],
    ['kind.moved(tx);', 'moved'],
    ['tx.delete(table).run();', '.run()'],
    ['const row = statementOf().get({ id });', '.get()'],
    ['for (const row of tx.select().from(table).all()) use(row);', '.all()'],
  ])('are missed where they lie: %s', (text, name) => {
    const own = 'function* own(tx): Steps<void> {}\ninterface Kind { moved?(tx): Steps<unknown> }';
    const file = parse('db/a.ts', `${own}\nfunction* f(tx): Steps<void> { ${text} }`);
    const lying = lyingIn(file, everywhere);
    expect(lying).toHaveLength(1);
    expect(lying[0]).toContain(name);
  });

  it('are nobody else’s matter: outside of db, operations are async functions', () => {
    const outside = ['app', 'lib', 'trainer', 'scripts'].flatMap(sourcesUnder);
    expect(outside.length).toBeGreaterThan(100);
    expect(
      outside.filter((path) =>
        /db\/transaction'|\bSteps</.test(readFileSync(join(root, path), 'utf8')),
      ),
    ).toEqual([]);
  });
});
