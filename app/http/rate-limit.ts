import { AppError } from '@/lib/errors';

/**
 * A bucket of `burst` tokens for each caller that fills at `perMinute`. `name` keeps buckets apart.
 */
export type RateLimit = { name: string; perMinute: number; burst: number };

/** Ten people labeling as fast as keys repeat stay far below; a runaway script does not. */
export const labelLimit: RateLimit = { name: 'label', perMinute: 1200, burst: 240 };

/** Guessing a password or a link must not pay. */
export const signInLimit: RateLimit = { name: 'sign-in', perMinute: 60, burst: 60 };

/** Wrong passwords for one email from one address, or from one device that has signed in before. */
export const passwordLimit: RateLimit = { name: 'password', perMinute: 5, burst: 10 };

/**
 * Wrong passwords for one email from all devices that have never signed in: who has many addresses
 * gains little.
 */
export const strangerLimit: RateLimit = { name: 'stranger', perMinute: 10, burst: 100 };

export const manageLimit: RateLimit = { name: 'manage', perMinute: 120, burst: 60 };

/** Portions of a file, one after the other: as fast as they are stored, for the largest file. */
export const uploadLimit: RateLimit = { name: 'upload', perMinute: 3_000, burst: 4_000 };

/** Gives a token back, for a call that turned out not to be what the limit is against. */
export function returnToken(limit: RateLimit, caller: string): void {
  const bucket = buckets.get(`${limit.name}:${caller}`);
  if (bucket) bucket.tokens = Math.min(limit.burst, bucket.tokens + 1);
}

type Bucket = { tokens: number; filledAt: number };

const buckets = new Map<string, Bucket>();

/** Buckets remembered at once; beyond it the oldest go, so that the map cannot eat the memory. */
const bucketsMax = 10_000;

/**
 * Takes one token of `caller`, or throws 'too-many-requests' with the seconds to wait. `now` is in
 * ms.
 */
export function takeToken(limit: RateLimit, caller: string, now = Date.now()): void {
  const key = `${limit.name}:${caller}`;
  const bucket = buckets.get(key) ?? { tokens: limit.burst, filledAt: now };
  const filled = bucket.tokens + ((now - bucket.filledAt) * limit.perMinute) / 60_000;
  const tokens = Math.min(limit.burst, filled);

  // Set anew, so that the map's order is the order of last use.
  buckets.delete(key);
  if (buckets.size >= bucketsMax) buckets.delete(buckets.keys().next().value ?? '');
  buckets.set(key, { tokens: Math.max(0, tokens - 1), filledAt: now });

  if (tokens >= 1) return;
  const waitSeconds = Math.ceil(((1 - tokens) * 60) / limit.perMinute);
  throw new AppError(
    'too-many-requests',
    `Too many requests. Wait ${waitSeconds} s and try again.`,
  );
}
