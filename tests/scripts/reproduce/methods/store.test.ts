/** A suite that was stopped goes on where it stood. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { Store } from '@/scripts/reproduce/methods/store';

let root: string;
beforeEach(() => {
  root = join(mkdtempSync(join(tmpdir(), 'darkroom-store-')), 'methods');
});

describe('Store', () => {
  it('does a finished unit once, also after it was opened again', async () => {
    let done = 0;
    const work = async () => ({ result: ++done });
    expect(await (await Store.open(root, { steps: 1 })).unit('a/b', work)).toEqual({ result: 1 });
    expect(await (await Store.open(root, { steps: 1 })).unit('a/b', work)).toEqual({ result: 1 });
    expect(done).toBe(1);
  });
  it('keeps nothing of a unit that failed', async () => {
    const store = await Store.open(root, {});
    const failed = store.unit('a', () => Promise.reject(new Error('stopped')));
    await expect(failed).rejects.toThrow('stopped');
    expect(await store.unit('a', async () => 2)).toBe(2);
  });
  it('takes half a file for nothing', async () => {
    const store = await Store.open(root, {});
    writeFileSync(join(store.folder, 'a.json.part'), '{"result":');
    expect(await store.unit('a', async () => 3)).toBe(3);
  });
  it('does the work again under other settings', async () => {
    await (await Store.open(root, { steps: 1 })).unit('a', async () => 1);
    expect(await (await Store.open(root, { steps: 2 })).unit('a', async () => 2)).toBe(2);
  });
});
