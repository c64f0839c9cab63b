import { existsSync } from 'node:fs';
import { mkdir, readFile, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { statBlob } from '@/db/blobs/blobs';
import { collectUnder, graceMs } from '@/db/blobs/collector';
import { blobPath } from '@/db/blobs/folder';
import { allPointedTo } from '@/db/blobs/references';
import { darkroomHome, db, schema } from '@/db/client';
import { makeRun, withTemporaryHome } from '@/tests/db/support';
import { float32, type Tensor, tensor } from '@/trainer/graph/tensor';
import {
  adoptCheckpoints,
  dropCheckpoint,
  readCheckpoint,
  writeCheckpoint,
} from '@/trainer/rounds/train/checkpoint';

withTemporaryHome();

const stateAt = (step: number) => {
  const tensors = (value: number) => new Map([['unet.a', float32([2], [value, step])]]);
  return { step, tensors: tensors(1), firstMoments: tensors(2), secondMoments: tensors(3) };
};
const write = (round: string, step: number) => writeCheckpoint(round, step, stateAt(step));

it('reads back what it wrote', async () => {
  const checkpoint = await write('a', 12);
  expect(checkpoint).toMatchObject({ step: 12 });
  expect(await readCheckpoint(checkpoint)).toEqual({ step: 12, state: stateAt(12) });
  expect(await readCheckpoint(null)).toBeNull();
});

it("keeps the optimizer's count apart from the training's, and what a method keeps beside its weights", async () => {
  const extra = new Map<string, Tensor>([
    ['recent', tensor('float64', [2], Float64Array.of(0.1, 1 / 3))],
    ['weights.unet.a', float32([1], [4])],
  ]);
  const state = { ...stateAt(24), extra };
  expect(await readCheckpoint(await writeCheckpoint('d', 3, state))).toEqual({ step: 3, state });
});

it('leaves the earlier checkpoint alone until it is dropped', async () => {
  const [first, second] = [await write('b', 1), await write('b', 2)];
  expect(await readCheckpoint(first)).toEqual({ step: 1, state: stateAt(1) });
  await dropCheckpoint(first);
  expect(await readCheckpoint(first)).toBeNull();
  expect(await readCheckpoint(second)).toEqual({ step: 2, state: stateAt(2) });
});

it('refuses a truncated one, and starts over when it is asked again', async () => {
  const checkpoint = await write('c', 1);
  await truncate(blobPath(checkpoint.sha256), 40);
  await expect(readCheckpoint(checkpoint)).rejects.toThrow(
    `The checkpoint ${checkpoint.sha256.slice(0, 12)} of step 1 is damaged`,
  );
  expect(await readCheckpoint(checkpoint)).toBeNull();
});

describe('the collector', () => {
  const isThere = async (cursor: { sha256: string }) => (await statBlob(cursor.sha256)) !== null;

  /** Collects what is older than a day, as everything here is. */
  async function collect({ sha256 }: { sha256: string }) {
    const at = (Date.now() - graceMs - 60_000) / 1000;
    await utimes(blobPath(sha256), at, at).catch(() => {});
    await collectUnder(sha256.slice(0, 2));
  }

  it('keeps the checkpoint that training goes on from, whoever drops it, and takes its left-overs', async () => {
    const { round } = await makeRun();
    const [kept, orphan] = [await write('e', 1), await write('e', 2)];
    const set = (values: Partial<typeof schema.work.$inferInsert>) =>
      db().update(schema.work).set(values).where(eq(schema.work.roundId, round.id)).run();
    const over = (state: 'done' | 'failed' | 'cancelled' | 'training') =>
      db().update(schema.rounds).set({ state }).where(eq(schema.rounds.id, round.id)).run();
    over('training');
    set({ kind: 'train', state: 'claimed', cursor: kept });
    for (const one of [kept, orphan]) await collect(one);
    expect([await isThere(kept), await isThere(orphan)]).toEqual([true, false]);
    await dropCheckpoint(kept);
    over('failed');
    set({ state: 'failed' });
    await collect(kept);
    expect(await isThere(kept)).toBe(true);
    for await (const hash of allPointedTo(db())) expect(hash).not.toBe(kept.sha256);
    over('cancelled');
    await dropCheckpoint(kept);
    expect(await isThere(kept)).toBe(false);
  });

  it('takes that of training that is done, while its round is evaluated', async () => {
    const { round } = await makeRun();
    const last = await write('f', 9);
    db()
      .update(schema.rounds)
      .set({ state: 'evaluating' })
      .where(eq(schema.rounds.id, round.id))
      .run();
    db()
      .update(schema.work)
      .set({ kind: 'train', state: 'done', cursor: last })
      .where(eq(schema.work.roundId, round.id))
      .run();
    await collect(last);
    expect(await isThere(last)).toBe(false);
  });
});

it('goes on from a checkpoint that an earlier version left as a file', async () => {
  const { sha256 } = await write('g', 5);
  const file = 'step-000005.safetensors';
  const folder = join(darkroomHome(), 'checkpoints', 'g');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, file), await readFile(blobPath(sha256)));
  await writeFile(join(folder, `${file}.part`), 'half');
  await dropCheckpoint({ step: 5, sha256 });
  await adoptCheckpoints();
  expect(existsSync(join(darkroomHome(), 'checkpoints'))).toBe(false);
  expect(await readCheckpoint({ step: 5, file, sha256 })).toEqual({ step: 5, state: stateAt(5) });
  await adoptCheckpoints();
});
