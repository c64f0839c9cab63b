import { readdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { darkroomHome } from '@/db/client';
import { float32 } from '@/trainer/graph/tensor';
import { dropCheckpoints, readCheckpoint, writeCheckpoint } from '@/trainer/rounds/checkpoint';
import { withTemporaryHome } from '../../db/support';

withTemporaryHome();

const stateAt = (step: number) => {
  const tensors = (value: number) => new Map([['unet.a', float32([2], [value, step])]]);
  return { step, tensors: tensors(1), firstMoments: tensors(2), secondMoments: tensors(3) };
};
const folder = (round: string) => join(darkroomHome(), 'checkpoints', round);

it('reads back what it wrote', async () => {
  const checkpoint = await writeCheckpoint('a', stateAt(12));
  expect(checkpoint).toMatchObject({ step: 12, file: 'step-000012.safetensors' });
  expect(await readCheckpoint('a', checkpoint)).toEqual(stateAt(12));
});

it('leaves the earlier checkpoint alone until it is dropped', async () => {
  const first = await writeCheckpoint('b', stateAt(1));
  const second = await writeCheckpoint('b', stateAt(2));
  expect(await readCheckpoint('b', first)).toEqual(stateAt(1));
  await dropCheckpoints('b', second);
  expect(await readdir(folder('b'))).toEqual([second.file]);
  expect(await readCheckpoint('b', first)).toBeNull();
  await dropCheckpoints('b');
  expect(await readCheckpoint('b', second)).toBeNull();
});

it('refuses a truncated one by name', async () => {
  const checkpoint = await writeCheckpoint('c', stateAt(1));
  const path = join(folder('c'), checkpoint.file);
  await truncate(path, 40);
  await expect(readCheckpoint('c', checkpoint)).rejects.toThrow(path);
});
