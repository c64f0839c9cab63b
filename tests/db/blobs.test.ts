import { readdir, truncate, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blobPath, getBlob, hasBlob, putBlob, sha256 } from '@/db/blobs';
import { withTemporaryHome } from './support';

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
    expect(await hasBlob(missing)).toBe(false);
    await expect(getBlob(missing)).rejects.toMatchObject({ code: 'not-found' });
    const hash = await putBlob(new TextEncoder().encode('to be damaged'));
    await truncate(blobPath(hash), 5);
    await expect(getBlob(hash)).rejects.toMatchObject({ code: 'data-corrupt' });
    await writeFile(blobPath(hash), 'something else');
    await expect(getBlob(hash)).rejects.toThrow(hash);
  });

  it('cannot be asked for by anything but a hash', () => {
    for (const name of ['../darkroom.db', 'ABCDEF', '', `${'a'.repeat(63)}/`]) {
      expect(() => blobPath(name)).toThrow('sha256');
    }
  });
});
