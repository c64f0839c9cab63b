import { expect, it } from 'vitest';
import { type RateLimit, takeToken } from '@/app/http/rate-limit';

const limit: RateLimit = { name: 'test', perMinute: 60, burst: 3 };

it('lets a burst through, then refuses with the seconds to wait, and fills again with time', () => {
  for (let call = 0; call < 3; call++) takeToken(limit, 'ada', 1_000);
  expect(() => takeToken(limit, 'ada', 1_000)).toThrow(/Wait 1 s/);
  expect(() => takeToken(limit, 'ada', 2_000)).not.toThrow();
  expect(() => takeToken(limit, 'ada', 2_000)).toThrow(/Too many requests/);
});

it('counts callers and limits apart', () => {
  for (let call = 0; call < 3; call++) takeToken(limit, 'bob', 1_000);
  expect(() => takeToken(limit, 'eve', 1_000)).not.toThrow();
  expect(() => takeToken({ ...limit, name: 'other' }, 'bob', 1_000)).not.toThrow();
});
