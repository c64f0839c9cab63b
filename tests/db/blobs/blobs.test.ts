import { readdir, readFile, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { getBlob, putBlob, statBlob } from '@/db/blobs/blobs';
import { blobPath } from '@/db/blobs/folder';
import { sha256 } from '@/db/blobs/store';
import { darkroomHome } from '@/db/client';
import { withTemporaryHome } from '../support';

withTemporaryHome();

const bytes = new TextEncoder().encode('a photograph');

describe('blobs', () => {
  it('come back byte for byte under their sha256, and leave no temporary file', async () => {
    const hash = await putBlob(bytes);
    expect(hash).toBe(sha256(bytes));
    expect(Buffer.from(await getBlob(hash)).equals(bytes)).toBe(true);
    expect(await putBlob(bytes)).toBe(hash);
    expect(await readdir(dirname(blobPath(hash)))).toEqual([hash]);
  });

  it('stored at once by many stay one', async () => {
    const same = new Uint8Array(100_000).fill(7);
    const hashes = await Promise.all(Array.from({ length: 8 }, () => putBlob(same)));
    expect(new Set(hashes).size).toBe(1);
    expect(await readdir(dirname(blobPath(hashes[0]!)))).toEqual([hashes[0]]);
  });

  it('that are missing, cut short or changed are refused by name', async () => {
    const missing = 'e'.repeat(64);
    expect(await statBlob(missing)).toBeNull();
    await expect(getBlob(missing)).rejects.toMatchObject({ code: 'not-found' });
    const hash = await putBlob(new TextEncoder().encode('to be damaged'));
    await truncate(blobPath(hash), 5);
    await expect(getBlob(hash)).rejects.toMatchObject({ code: 'data-corrupt' });
    await writeFile(blobPath(hash), 'something else');
    await expect(getBlob(hash)).rejects.toThrow(hash);
  });

  it('that are damaged heal when the same bytes come again, whatever their length', async () => {
    for (const [i, damage] of [
      (path: string) => truncate(path, 0),
      (path: string) => truncate(path, 5),
      (path: string) => writeFile(path, 'to be damagee 3'),
      (path: string) => writeFile(path, 'something much longer than what was here'),
    ].entries()) {
      const whole = new TextEncoder().encode(`to be damaged ${i}`);
      const hash = await putBlob(whole);
      await damage(blobPath(hash));
      expect(await putBlob(whole)).toBe(hash);
      expect(Buffer.from(await getBlob(hash)).equals(whole)).toBe(true);
    }
  });

  it('that are found damaged are set aside, with what was in them and the remedy', async () => {
    const whole = new TextEncoder().encode('to be set aside');
    const hash = await putBlob(whole);
    await writeFile(blobPath(hash), 'half');
    const aside = join(darkroomHome(), 'damaged', hash);
    await expect(getBlob(hash)).rejects.toMatchObject({
      code: 'data-corrupt',
      message: expect.stringMatching(/4 bytes.+damaged.+npm run restore/),
    });
    expect(await readFile(aside, 'utf8')).toBe('half');
    expect(await statBlob(hash)).toBeNull();
    await expect(getBlob(hash)).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('npm run restore'),
    });
    await putBlob(whole);
    expect(Buffer.from(await getBlob(hash)).equals(whole)).toBe(true);
  });

  it('stored again have the date of the last time, so that nobody collects them meanwhile', async () => {
    const hash = await putBlob(bytes);
    await utimes(blobPath(hash), 1000, 1000);
    await putBlob(bytes);
    expect((await stat(blobPath(hash))).mtimeMs).toBeGreaterThan(Date.now() - 60_000);
  });

  it('cannot be asked for by anything but a hash', () => {
    for (const name of ['../darkroom.db', 'ABCDEF', '', `${'a'.repeat(63)}/`]) {
      expect(() => blobPath(name)).toThrow('sha256');
    }
  });
});
