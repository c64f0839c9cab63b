import { readdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { darkroomHome } from '@/db/client';
import { withTemporaryHome } from '@/tests/db/support';
import { float32, type Tensor, tensor } from '@/trainer/graph/tensor';
import {
  dropCheckpoints,
  readCheckpoint,
  writeCheckpoint,
} from '@/trainer/rounds/train/checkpoint';

withTemporaryHome();

const stateAt = (step: number) => {
  const tensors = (value: number) => new Map([['unet.a', float32([2], [value, step])]]);
  return { step, tensors: tensors(1), firstMoments: tensors(2), secondMoments: tensors(3) };
};
const write = (round: string, step: number) => writeCheckpoint(round, step, stateAt(step));
const folder = (round: string) => join(darkroomHome(), 'checkpoints', round);

it('reads back what it wrote', async () => {
  const checkpoint = await write('a', 12);
  expect(checkpoint).toMatchObject({ step: 12, file: 'step-000012.safetensors' });
  expect(await readCheckpoint('a', checkpoint)).toEqual(stateAt(12));
});

it("keeps the optimizer's count apart from the training's, and what a method keeps beside its weights", async () => {
  const extra = new Map<string, Tensor>([
    ['recent', tensor('float64', [2], Float64Array.of(0.1, 1 / 3))],
    ['weights.unet.a', float32([1], [4])],
  ]);
  const state = { ...stateAt(24), extra };
  const checkpoint = await writeCheckpoint('d', 3, state);
  expect(checkpoint).toMatchObject({ step: 3, file: 'step-000003.safetensors' });
  expect(await readCheckpoint('d', checkpoint)).toEqual(state);
});

it('leaves the earlier checkpoint alone until it is dropped', async () => {
  const first = await write('b', 1);
  const second = await write('b', 2);
  expect(await readCheckpoint('b', first)).toEqual(stateAt(1));
  await dropCheckpoints('b', second);
  expect(await readdir(folder('b'))).toEqual([second.file]);
  expect(await readCheckpoint('b', first)).toBeNull();
  await dropCheckpoints('b');
  expect(await readCheckpoint('b', second)).toBeNull();
});

it('refuses a truncated one by name', async () => {
  const checkpoint = await write('c', 1);
  const path = join(folder('c'), checkpoint.file);
  await truncate(path, 40);
  await expect(readCheckpoint('c', checkpoint)).rejects.toThrow(path);
});
