import { eq } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { db } from '@/db/client';
import { submitPreference } from '@/db/labeling/preferences';
import { leasePairs } from '@/db/leases/pair-leases';
import { cancelRound, getRound } from '@/db/rounds/rounds';
import { pairs } from '@/db/schema/labels';
import { withdrawLeftPairs } from '@/db/work/pruning';
import { fillPairs } from '@/tests/support/fill-labels';
import { makeLabelingRound, makePeople, withTemporaryHome } from '../support';

withTemporaryHome();

function count(state: 'open' | 'withdrawn'): number {
  return db().select().from(pairs).where(eq(pairs.state, state)).all().length;
}

it('pairs of a round that ends are withdrawn by portions, and none is served or judged meanwhile', async () => {
  const [ann, bob] = await makePeople(2);
  const { round } = await makeLabelingRound({ pairs: 1 });
  await fillPairs(await getRound(round.id), 11_000);
  const leased = await leasePairs({ annotatorId: ann!, count: 2 });
  if (leased.state !== 'pairs') throw new Error(leased.state);

  await cancelRound(round.id, null);
  expect(count('withdrawn')).toBe(5_000);
  expect(await leasePairs({ annotatorId: bob! })).toEqual({ state: 'no-round' });
  for (const { leaseId } of leased.pairs) {
    const answered = await submitPreference({
      id: crypto.randomUUID(),
      leaseId,
      annotatorId: ann!,
      answer: 'left',
      shownAtMs: 1,
      decidedAtMs: 2,
      guidelinesVersion: 1,
    });
    expect(answered).toEqual({ status: 'withdrawn' });
  }

  const labeled = await makeLabelingRound({ pairs: 3 });
  expect(await withdrawLeftPairs()).toBe(6_001);
  expect(count('withdrawn')).toBe(11_001);
  expect(count('open')).toBe(3);
  expect((await getRound(labeled.round.id)).state).toBe('labeling');
});
