import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { putBlob } from '@/db/blobs/blobs';
import { blobPath } from '@/db/blobs/folder';
import { closeDatabases, db } from '@/db/client';
import { migrateDatabase } from '@/db/migrate';
import { makePrivate } from '@/db/private-home';
import { settingOrCreate } from '@/db/settings';

let folder: string;
let home: string;
const before = process.env.DARKROOM_HOME;
const umask = process.umask();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'darkroom-private-'));
  home = join(folder, 'home');
  process.env.DARKROOM_HOME = home;
  process.umask(0o022);
});
afterEach(() => {
  process.umask(umask);
  closeDatabases();
  if (before === undefined) delete process.env.DARKROOM_HOME;
  else process.env.DARKROOM_HOME = before;
  rmSync(folder, { recursive: true, force: true });
});

const modeOf = (path: string) => (lstatSync(path).mode & 0o777).toString(8);

/** What others have any right to, below a folder and including it. */
function openTo(path: string): string[] {
  const below = lstatSync(path).isDirectory()
    ? readdirSync(path).flatMap((name) => openTo(join(path, name)))
    : [];
  return (lstatSync(path).mode & 0o077) === 0 ? below : [...below, path];
}

describe.skipIf(process.platform === 'win32')('the data folder', () => {
  it('is private from the start, whatever the umask', async () => {
    await migrateDatabase();
    await settingOrCreate('key', () => 1);
    const hash = await putBlob(new Uint8Array(9));
    expect(db().$client.memory).toBe(false);
    expect(readdirSync(home)).toContain('darkroom.db-wal');
    expect(openTo(home)).toEqual([]);
    expect(modeOf(home)).toBe('700');
    expect(modeOf(blobPath(hash))).toBe('600');
  });

  it('from before the rule is mended, once', async () => {
    await migrateDatabase();
    const hash = await putBlob(new Uint8Array(9));
    mkdirSync(join(home, 'logs'));
    writeFileSync(join(home, 'logs', 'web.log'), '');
    execFileSync('chmod', ['-R', 'go+rX', home]);
    expect(openTo(home)).toContain(blobPath(hash));
    expect(makePrivate(home)).toEqual([]);
    expect(openTo(home)).toEqual([]);
    expect(modeOf(join(home, 'logs', 'web.log'))).toBe('600');
    expect(makePrivate(home)).toEqual([]);
  });

  it('leaves alone what is not its own, and what a link leads to', async () => {
    mkdirSync(join(home, 'tools'), { recursive: true });
    const outside = join(folder, 'outside');
    mkdirSync(outside);
    for (const path of [join(home, 'tools', 'run'), join(home, 'run'), join(outside, 'run')]) {
      writeFileSync(path, '');
      chmodSync(path, 0o755);
    }
    symlinkSync(outside, join(home, 'logs'));
    makePrivate(home);
    expect(modeOf(home)).toBe('700');
    expect(modeOf(join(home, 'run'))).toBe('755');
    expect(modeOf(join(home, 'tools', 'run'))).toBe('755');
    expect(modeOf(join(outside, 'run'))).toBe('755');
    // A folder for everybody stays one.
    chmodSync(folder, 0o1777);
    makePrivate(folder);
    expect(modeOf(folder)).toBe('777');
  });
});
