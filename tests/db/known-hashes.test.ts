import { mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { sha256 } from '@/db/blobs/store';
import { knownHash } from '@/db/known-hashes';

let home: string;
let folder: string;
const before = process.env.DARKROOM_HOME;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'darkroom-home-'));
  folder = await mkdtemp(join(tmpdir(), 'darkroom-hashed-'));
  process.env.DARKROOM_HOME = home;
  await writeFile(join(folder, 'a.onnx'), 'weights');
  await writeFile(join(folder, 'b.json'), '{}');
});

afterEach(async () => {
  if (before === undefined) delete process.env.DARKROOM_HOME;
  else process.env.DARKROOM_HOME = before;
  for (const one of [home, folder]) await rm(one, { recursive: true });
});

const files = ['a.onnx', 'b.json'];

/** Reads the files as a hash does; counts how often. */
function reckoning() {
  return vi.fn(async () => {
    const contents = await Promise.all(files.map((file) => readFile(join(folder, file))));
    return sha256(Buffer.concat(contents));
  });
}

it('reads files once, and again when any of them has changed', async () => {
  const reckon = reckoning();
  const first = await knownHash(folder, files, reckon);
  expect(await knownHash(folder, files, reckon)).toBe(first);
  expect(reckon).toHaveBeenCalledTimes(1);
  expect((await stat(join(home, 'darkroom.hashes.json'))).mode & 0o777).toBe(0o600);

  // Touched: it is read again, and is what it was.
  await utimes(join(folder, 'a.onnx'), new Date(), new Date(1_600_000_000_000));
  expect(await knownHash(folder, files, reckon)).toBe(first);
  expect(await knownHash(folder, files, reckon)).toBe(first);
  expect(reckon).toHaveBeenCalledTimes(2);

  // Other bytes of the same size, and the old date: only the system's own instant tells.
  const { atime, mtime } = await stat(join(folder, 'a.onnx'));
  await writeFile(join(folder, 'a.onnx'), 'WEIGHTS');
  await utimes(join(folder, 'a.onnx'), atime, mtime);
  const changed = await knownHash(folder, files, reckon);
  expect(changed).not.toBe(first);
  expect(reckon).toHaveBeenCalledTimes(3);

  // Fewer files are another thing.
  await knownHash(folder, ['a.onnx'], reckon);
  expect(reckon).toHaveBeenCalledTimes(4);
  expect(await knownHash(folder, files, reckon)).toBe(changed);
  expect(reckon).toHaveBeenCalledTimes(4);
});

it('reckons anew where what was remembered is damaged, and remembers without a data folder nothing', async () => {
  const reckon = reckoning();
  const hash = await knownHash(folder, files, reckon);
  await writeFile(join(home, 'darkroom.hashes.json'), '[{"folder":');
  expect(await knownHash(folder, files, reckon)).toBe(hash);
  expect(reckon).toHaveBeenCalledTimes(2);
  process.env.DARKROOM_HOME = join(home, 'not-there');
  for (const calls of [3, 4]) {
    expect(await knownHash(folder, files, reckon)).toBe(hash);
    expect(reckon).toHaveBeenCalledTimes(calls);
  }
});

it('refuses files that are written while they are read, and remembers nothing of them', async () => {
  const torn = knownHash(folder, files, async () => {
    await writeFile(join(folder, 'b.json'), '{"half": ');
    return 'torn';
  });
  await expect(torn).rejects.toThrow(`Files in ${folder} were written while they were read. Wait`);
  const reckon = reckoning();
  expect(await knownHash(folder, files, reckon)).not.toBe('torn');
});
