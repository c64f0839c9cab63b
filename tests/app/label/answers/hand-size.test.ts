import { expect, it } from 'vitest';
import { pairsWanted } from '@/app/label/answers/hand-size';
import { pairsInHand } from '@/lib/leases';

/** Ten decisions, `everyMs` apart. */
const paced = (everyMs: number) => Array.from({ length: 10 }, (_, index) => index * everyMs);

it('holds what a person judges in six seconds, never more than a page may', () => {
  const wanted = (decidedAtMs: number[]) => pairsWanted({ ready: true, decidedAtMs, left: 600 });
  expect(wanted(paced(150))).toBe(pairsInHand);
  expect(wanted(paced(1_200))).toBe(6);
  expect(wanted(paced(20_000))).toBe(3);
  expect(wanted([])).toBe(8);
  // A pause makes nobody slow.
  expect(wanted([0, 500, 1_000, 1_500, 90_000])).toBe(pairsInHand);
});

it('asks for the first pair alone with two more, and keeps little from others towards the end', () => {
  const fast = { decidedAtMs: paced(150) };
  expect(pairsWanted({ ...fast, ready: false, left: 600 })).toBe(3);
  expect(pairsWanted({ ...fast, ready: true, left: 20 })).toBe(5);
  expect(pairsWanted({ ...fast, ready: true, left: 4 })).toBe(3);
});
