import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { labelsOf } from '@/lib/exchange/pick-a-pic';
import { exportTo } from '@/scripts/export/export-to';
import { importFile } from '@/scripts/import/import-file';
import { exported, noisePng, row, withFolder } from '../import/support';

const { fileOf, path, save } = withFolder();

const root = fileURLToPath(new URL('../../..', import.meta.url));
const ended = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;

/** Ends an export once it has noted where to go on, and says how many answers that are. */
async function killed(folder: string, ...options: string[]): Promise<number> {
  const command = ['--import', 'tsx', 'scripts/export/main.ts', folder, ...options];
  const child = spawn(process.execPath, command, { cwd: root, env: process.env, stdio: 'ignore' });
  const state = join(folder, '.darkroom-export', 'state.json');
  const noted = async () =>
    existsSync(state) ? (JSON.parse(await readFile(state, 'utf8')).mark?.rows ?? 0) : 0;
  while (!ended(child) && (await noted()) === 0) await wait(1);
  child.kill('SIGKILL');
  while (!ended(child)) await wait(1);
  expect(child.signalCode).toBe('SIGKILL');
  return noted();
}

async function filesOf(folder: string) {
  const names = (await readdir(folder, { recursive: true })).sort();
  const files = names.filter((name) => /\.\w+$/.test(name));
  return Promise.all(files.map(async (name) => [name, await readFile(join(folder, name), 'hex')]));
}

it('an export that is killed midway goes on, and is what it would have been', async () => {
  const images = await Promise.all(
    Array.from({ length: 40 }, (_, i) => save(`${i}.png`, noisePng(i))),
  );
  const kinds = Object.values(labelsOf);
  const rows = Array.from({ length: 800 }, (_, i) => {
    const [label_0, label_1] = kinds[i % kinds.length]!;
    const more = { label_0, label_1, user_id: i, ranking_id: i };
    return row(images[i % 40], images[(i + 1 + (i % 39)) % 40], more);
  });
  expect(await importFile(await fileOf(rows), 'hands')).toMatchObject({ added: 800 });

  const shardBytes = 2 ** 20;
  const found = await killed(path('parquet'), '--format', 'parquet', '--shard-mib', '1');
  expect(found).toBeLessThan(800);
  const options = { format: 'parquet', gold: false, heldBack: false, shardBytes } as const;
  const went = await exportTo(path('parquet'), options);
  expect(went).toMatchObject({ answers: 800, images: 40, found });
  await exportTo(path('parquet whole'), options);
  expect(await filesOf(path('parquet'))).toEqual(await filesOf(path('parquet whole')));

  const lines = await killed(path('lines'));
  await cp(path('lines'), path('other'), { recursive: true });
  expect(lines).toBeLessThan(800);
  const asTyped = { gold: false, heldBack: false } as const;
  expect(await exportTo(path('lines'), asTyped)).toMatchObject({ answers: 800, found: lines });
  await exportTo(path('lines whole'), asTyped);
  expect(await filesOf(path('lines'))).toEqual(await filesOf(path('lines whole')));

  // With other options it is another export, and begins anew.
  const other = await exportTo(path('other'), { ...asTyped, heldBack: true });
  expect(other).toMatchObject({ answers: 800, found: 0 });
  const text = await readFile(path('other/preferences.jsonl'), 'utf8');
  expect(text.trimEnd().split('\n')).toHaveLength((await exported()).length);
});
