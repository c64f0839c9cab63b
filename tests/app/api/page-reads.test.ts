import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { closeDatabases } from '@/db/client';
import { readsOf } from '../../bench/scale/reads';
import { growHome } from '../../support/growth/grow';
import { askedDuring } from '../../support/statements';

const before = process.env.DARKROOM_HOME;
const home = mkdtempSync(join(tmpdir(), 'darkroom-test-'));
afterAll(() => {
  closeDatabases();
  rmSync(home, { recursive: true, force: true });
  if (before === undefined) delete process.env.DARKROOM_HOME;
  else process.env.DARKROOM_HOME = before;
});

/** Statements, rows and bytes of every read in a database of its own. */
async function costsAt(answers: number, rounds: number, people: number) {
  process.env.DARKROOM_HOME = join(home, String(answers));
  const costs = new Map<string, { statements: number; rows: number; bytes: number }>();
  for (const { name, read } of readsOf(await growHome({ answers, rounds, people }))) {
    const { statements, rows, result } = await askedDuring(read);
    costs.set(name, { statements: statements.length, rows, bytes: JSON.stringify(result).length });
  }
  return costs;
}

/** Versions to start from, all by name. */
const offersAll = 'a new run';

it('every page asks as many statements of a large database as of a small one, and shows no more', async () => {
  const few = await costsAt(600, 81, 60);
  const many = await costsAt(2400, 221, 240);
  for (const [name, { statements, rows, bytes }] of many) {
    // An export is read a thousand rows at a time.
    if (name.startsWith('export')) continue;
    expect({ name, statements }).toEqual({ name, statements: few.get(name)?.statements });
    if (name === offersAll) continue;
    // A page's length, and what its largest lists hold.
    expect({ name, isShort: rows < 1000 && bytes < 200_000, rows, bytes }).toMatchObject({
      isShort: true,
    });
  }
});
