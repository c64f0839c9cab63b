import { mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { sha256 } from '@/db/blobs/store';
import { knownHashes } from '@/db/known-hashes';

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

/** Reads a file as a hash does; counts how often. */
function reckoning() {
  return vi.fn(async (path: string, onBytes: (bytes: number) => void) => {
    const bytes = await readFile(path);
    onBytes(bytes.length);
    return sha256(bytes);
  });
}

it('reads files once, and again only the one that has changed', async () => {
  const reckon = reckoning();
  const first = await knownHashes(folder, files, reckon);
  expect(await knownHashes(folder, files, reckon)).toEqual(first);
  expect(reckon).toHaveBeenCalledTimes(2);
  expect((await stat(join(home, 'darkroom.hashes.json'))).mode & 0o777).toBe(0o600);

  // Touched: it is read again, and is what it was.
  await utimes(join(folder, 'a.onnx'), new Date(), new Date(1_600_000_000_000));
  expect(await knownHashes(folder, files, reckon)).toEqual(first);
  expect(await knownHashes(folder, files, reckon)).toEqual(first);
  expect(reckon).toHaveBeenCalledTimes(3);

  // Other bytes of the same size, and the old date: only the system's own instant tells.
  const { atime, mtime } = await stat(join(folder, 'a.onnx'));
  await writeFile(join(folder, 'a.onnx'), 'WEIGHTS');
  await utimes(join(folder, 'a.onnx'), atime, mtime);
  const changed = await knownHashes(folder, files, reckon);
  expect(changed).toEqual([expect.not.stringMatching(first[0]!), first[1]]);
  expect(reckon).toHaveBeenCalledTimes(4);
});

it('goes on where it was killed: what was hashed by then is not read again', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const reckon = reckoning();
  const killed = knownHashes(folder, files, async (path, onBytes) => {
    if (path.endsWith('b.json')) throw new Error('killed');
    vi.advanceTimersByTime(2000);
    return reckon(path, onBytes);
  });
  await expect(killed).rejects.toThrow('killed');
  vi.useRealTimers();
  const told: number[] = [];
  await knownHashes(folder, files, reckon, (done) => told.push(done));
  expect(reckon.mock.calls.map(([path]) => path)).toEqual(
    ['a.onnx', 'b.json'].map((name) => join(folder, name)),
  );
  expect(told).toEqual([7, 9]);
});

it('reckons anew where what was remembered is damaged, and remembers without a data folder nothing', async () => {
  const reckon = reckoning();
  const hashes = await knownHashes(folder, files, reckon);
  await writeFile(join(home, 'darkroom.hashes.json'), '[{"folder":');
  expect(await knownHashes(folder, files, reckon)).toEqual(hashes);
  expect(reckon).toHaveBeenCalledTimes(4);
  process.env.DARKROOM_HOME = join(home, 'not-there');
  for (const calls of [6, 8]) {
    expect(await knownHashes(folder, files, reckon)).toEqual(hashes);
    expect(reckon).toHaveBeenCalledTimes(calls);
  }
});

it('refuses files that are written while they are read, and remembers nothing of them', async () => {
  const torn = knownHashes(folder, files, async (path) => {
    if (path.endsWith('b.json')) await writeFile(path, '{"half": ');
    return 'torn';
  });
  await expect(torn).rejects.toThrow(`Files in ${folder} were written while they were read. Wait`);
  const reckon = reckoning();
  expect((await knownHashes(folder, files, reckon))[1]).not.toBe('torn');
});
