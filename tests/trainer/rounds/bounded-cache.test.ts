import { expect, it, vi } from 'vitest';
import { BoundedCache } from '@/trainer/rounds/bounded-cache';

const bytes = (key: string, size: number) => vi.fn(async () => ({ value: key, bytes: size }));

it('keeps what was used last, as much as fits', async () => {
  const cache = new BoundedCache<string>(10);
  const [a, b, c] = [bytes('a', 4), bytes('b', 4), bytes('c', 4)];
  await cache.get('a', a);
  await cache.get('b', b);
  await cache.get('a', a);
  await cache.get('c', c);
  // `b` was used longest ago and went.
  await cache.get('a', a);
  await cache.get('c', c);
  expect([a, b, c].map((made) => made.mock.calls.length)).toEqual([1, 1, 1]);
  expect(await cache.get('b', b)).toBe('b');
  expect(b).toHaveBeenCalledTimes(2);
  expect(a).toHaveBeenCalledTimes(1);
});

it('hands out what is larger than all it may keep, and keeps nothing of it', async () => {
  const cache = new BoundedCache<string>(10);
  const large = bytes('large', 11);
  for (const calls of [1, 2]) {
    expect(await cache.get('large', large)).toBe('large');
    expect(large).toHaveBeenCalledTimes(calls);
  }
  const none = new BoundedCache<string>(0);
  const small = bytes('small', 1);
  await none.get('small', small);
  await none.get('small', small);
  expect(small).toHaveBeenCalledTimes(2);
});

it('makes a value once for all who ask meanwhile, and again after a failure', async () => {
  const cache = new BoundedCache<string>(10);
  const make = bytes('a', 4);
  await Promise.all([cache.get('a', make), cache.get('a', make)]);
  expect(make).toHaveBeenCalledTimes(1);
  const broken = vi.fn(async (): Promise<{ value: string; bytes: number }> => {
    throw new Error('broken');
  });
  await expect(cache.get('b', broken)).rejects.toThrow('broken');
  expect(await cache.get('b', bytes('b', 4))).toBe('b');
});
