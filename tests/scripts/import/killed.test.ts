import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { getBlob } from '@/db/blobs/blobs';
import { db, schema } from '@/db/client';
import { importFile } from '@/scripts/import/import-file';
import { everything, png, row, withFolder } from './support';

const { fileOf, save } = withFolder();

const stored = () => db().$count(schema.preferences);

function startImport(file: string): ChildProcess {
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  const command = ['--import', 'tsx', 'scripts/import/main.ts', file];
  return spawn(process.execPath, command, { cwd: root, env: process.env, stdio: 'ignore' });
}

const ended = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;

it('an import that is killed midway has stored whole answers, and goes on from there', async () => {
  const images = await Promise.all(
    Array.from({ length: 80 }, (_, i) => save(`${i}.png`, png(i, 65 + i, 64))),
  );
  const rows = Array.from({ length: 800 }, (_, i) =>
    row(images[i % 80], images[(i + 1 + Math.floor(i / 80)) % 80], {
      ...(i % 2 && { user_id: i % 7 }),
    }),
  );
  const file = await fileOf(rows);
  const child = startImport(file);
  while (!ended(child) && (await stored()) === 0) await wait(5);
  child.kill('SIGKILL');
  while (!ended(child)) await wait(5);
  const halfway = await stored();
  expect(halfway).toBeGreaterThan(0);
  expect(halfway).toBeLessThan(800);
  expect(halfway % 25).toBe(0);
  const [samples, pairs] = everything() as [(typeof schema.samples.$inferSelect)[], unknown[]];
  for (const { imageBlob } of samples) await getBlob(imageBlob);
  expect(pairs.length).toBeGreaterThan(0);

  expect(await importFile(file, 'hands')).toMatchObject({
    problems: [],
    added: 800 - halfway,
    known: halfway,
  });
  const whole = everything();
  expect(await stored()).toBe(800);
  expect(db().select().from(schema.imports).all()).toMatchObject([
    { offered: 800, answers: 800, images: whole[0]!.length, finishedAt: expect.any(Number) },
  ]);
  // One entry for each time that it ran, with what it stored.
  const entries = db().select().from(schema.auditLog).all();
  expect(entries.map(({ detail }) => detail?.answers)).toEqual([halfway, 800 - halfway]);
  expect(await importFile(file, 'hands')).toMatchObject({ added: 0, known: 800 });
  expect(everything()).toEqual(whole);
});
