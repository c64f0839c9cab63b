import { expect, it } from 'vitest';
import { pauseRound } from '@/db/rounds/rounds';
import { placesInQueue } from '@/db/work/places';
import { claimWork } from '@/db/work/queue';
import { makeRun, withTemporaryHome } from '../support';

withTemporaryHome();

it('a round that waits for the trainer knows how many come before it', async () => {
  const ids: string[] = [];
  for (let i = 0; i < 4; i++) ids.push((await makeRun()).round.id);
  const placesOf = async () => {
    const places = await placesInQueue();
    return ids.map((id) => places.get(id) ?? null);
  };
  expect((await placesOf()).toSorted()).toEqual([0, 1, 2, 3]);
  const claimed = await claimWork({ workerId: 'w' });
  const rest = (await placesOf()).filter((place) => place !== null);
  expect(rest.toSorted()).toEqual([1, 2, 3]);
  expect((await placesOf())[ids.indexOf(claimed!.round.id)]).toBeNull();
  const held = ids.find((id) => id !== claimed!.round.id)!;
  await pauseRound(held, null);
  expect((await placesOf()).filter((place) => place !== null).toSorted()).toEqual([1, 2]);
  expect((await placesInQueue()).has(held)).toBe(false);
});
