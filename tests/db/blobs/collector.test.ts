import { readdir, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { getBlob, putBlob, statBlob } from '@/db/blobs/blobs';
import { blobPrefixes, collectUnder, dropBlobs, graceMs } from '@/db/blobs/collector';
import { blobPath } from '@/db/blobs/folder';
import { blobColumns } from '@/db/blobs/references';
import { sha256 } from '@/db/blobs/store';
import { db, openDatabase, schema } from '@/db/client';
import { newId } from '@/db/ids';
import { createPolicy } from '@/db/policies/policies';
import { recordSamples } from '@/db/rounds/samples';
import { askedDuring, most } from '../../support/statements';
import { makeRun, makeSample, withTemporaryHome } from '../support';

withTemporaryHome();

const bytesOf = (text: string) => new TextEncoder().encode(text);

async function age(path: string, ms: number) {
  const at = new Date(Date.now() - ms);
  await utimes(path, at, at);
}

async function oldBlob(text: string): Promise<string> {
  const hash = await putBlob(bytesOf(text));
  await age(blobPath(hash), graceMs + 60_000);
  return hash;
}

async function collectAll() {
  let files = 0;
  for (const prefix of await blobPrefixes()) files += (await collectUnder(prefix)).files;
  return files;
}

describe('collecting blobs', () => {
  it('keeps what any column points to, and nothing else that is old', async () => {
    const { base, round, pipeline } = await makeRun();
    const [image, trajectory, adapter, model, left] = await Promise.all(
      ['image', 'trajectory', 'adapter', 'model', 'left over'].map(oldBlob),
    );
    const young = await putBlob(bytesOf('about to be pointed to'));
    const of = { policyId: base.id, roundId: round.id };
    await recordSamples({
      samples: [makeSample({ ...of, imageBlob: image!, trajectoryBlob: trajectory! })],
    });
    await createPolicy({
      name: 'trained',
      parentId: base.id,
      pipeline,
      adapterBlob: adapter!,
      hash: newId(),
      manifest: {},
      roundId: round.id,
    });
    db()
      .insert(schema.rewardModels)
      .values({
        id: newId(),
        pipeline,
        source: 'picks',
        version: 1,
        state: 'ready',
        until: 0,
        blob: model!,
        createdAt: 0,
      })
      .run();
    expect(await collectAll()).toBe(1);
    expect(await statBlob(left!)).toBeNull();
    for (const hash of [image, trajectory, adapter, model, young]) await getBlob(hash!);
    expect(await collectAll()).toBe(0);
  });

  it('knows every column that holds a blob', () => {
    expect(blobColumns.map(({ table, name }) => `${nameOf(table)}.${name}`).sort()).toEqual([
      'pipeline_imports.imageBlob',
      'policies.adapterBlob',
      'reward_models.blob',
      'samples.imageBlob',
      'samples.thumbnailBlob',
      'samples.trajectoryBlob',
    ]);
  });

  it('lets be what a row has come to point to since it was looked at, and what was stored again', async () => {
    const { base, round } = await makeRun();
    const [pointed, again, gone] = await Promise.all(['pointed', 'again', 'gone'].map(oldBlob));
    const storedUntil = Date.now() - graceMs;
    // As if all three had been found without a row.
    const candidates = [pointed, again, gone].map((hash) => ({ hash: hash!, storedUntil }));
    await recordSamples({
      samples: [makeSample({ policyId: base.id, roundId: round.id, imageBlob: pointed! })],
    });
    await putBlob(bytesOf('again'));
    expect(await dropBlobs(candidates)).toEqual({ files: 1, bytes: 4 });
    expect(await statBlob(gone!)).toBeNull();
    await getBlob(pointed!);
    await getBlob(again!);
  });

  it('waits for a writer that is about to point to a blob', async () => {
    const { base, round } = await makeRun();
    const hash = await oldBlob('raced');
    const writer = openDatabase().$client;
    const row = makeSample({ policyId: base.id, roundId: round.id });
    writer.exec('begin immediate');
    db().$client.pragma('busy_timeout = 20');
    await expect(dropBlobs([{ hash, storedUntil: Date.now() - graceMs }])).rejects.toMatchObject({
      code: 'unavailable',
    });
    await getBlob(hash);
    writer.exec('rollback');
    await recordSamples({ samples: [{ ...row, imageBlob: hash }] });
    writer.close();
    db().$client.pragma('busy_timeout = 5000');
    expect(await dropBlobs([{ hash, storedUntil: Date.now() - graceMs }])).toEqual({
      files: 0,
      bytes: 0,
    });
  });

  it('ends what a crash interrupted: brings back what is pointed to, deletes the rest', async () => {
    const { base, round } = await makeRun();
    const [kept, healed, left] = await Promise.all(['kept', 'healed', 'left'].map(oldBlob));
    await recordSamples({
      samples: [kept, healed].map((hash) =>
        makeSample({ policyId: base.id, roundId: round.id, imageBlob: hash! }),
      ),
    });
    for (const hash of [kept, healed, left]) {
      await rename(blobPath(hash!), `${blobPath(hash!)}.doomed`);
    }
    await putBlob(bytesOf('healed'));
    await collectAll();
    await getBlob(kept!);
    await getBlob(healed!);
    expect(await statBlob(left!)).toBeNull();
    for (const prefix of await blobPrefixes()) {
      const names = await readdir(dirname(blobPath(`${prefix}${'0'.repeat(62)}`)));
      expect(names.filter((name) => name.endsWith('.doomed'))).toEqual([]);
    }
  });

  it('takes away what was half-written long ago, not what is being written', async () => {
    const hash = await putBlob(bytesOf('beside'));
    const [old, young] = ['a', 'b'].map((name) => `${blobPath(hash)}.${name}.part`);
    await writeFile(old!, 'half');
    await writeFile(young!, 'half');
    await age(old!, graceMs + 60_000);
    await collectUnder(hash.slice(0, 2));
    await expect(stat(old!)).rejects.toThrow('ENOENT');
    expect((await stat(young!)).size).toBe(4);
  });

  it('holds the lock as briefly, however much there is', async () => {
    const locked = [];
    for (const count of [60, 180]) {
      const hashes = Array.from({ length: count }, (_, i) => sha256(bytesOf(`${count} ${i}`)));
      const candidates = hashes.map((hash) => ({ hash, storedUntil: Date.now() }));
      locked.push(most((await askedDuring(() => dropBlobs(candidates))).transactions));
    }
    expect(locked[1]).toEqual(locked[0]);
    // Checkpoints and uploads beside the columns.
    expect(locked[0]!.statements).toBe(blobColumns.length + 2);
  });
});

function nameOf(table: object): string {
  const symbol = Object.getOwnPropertySymbols(table).find(
    (one) => one.description === 'drizzle:Name',
  );
  return String((table as Record<symbol, unknown>)[symbol!]);
}
