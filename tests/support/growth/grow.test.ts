import { count, isNull } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import { leasePairs } from '@/db/leases/pair-leases';
import { pairs, preferences, samples } from '@/db/schema/labels';
import { user } from '@/db/schema/people';
import { rounds } from '@/db/schema/rounds';
import { withTemporaryHome } from '../../db/support';
import { growHome } from './grow';

withTemporaryHome();

describe('growHome', () => {
  it('fills a database with as many answers as asked, no reference astray', async () => {
    const { people, labelingRoundId, importIds } = await growHome({
      answers: 400,
      people: 12,
      rounds: 32,
    });
    const standing = db()
      .select({ n: count() })
      .from(preferences)
      .where(isNull(preferences.supersededAt))
      .get();
    expect(standing).toEqual({ n: 400 });
    expect(people).toHaveLength(12);
    expect(db().select({ n: count() }).from(user).get()).toEqual({ n: 12 });
    expect(db().select({ n: count() }).from(rounds).get()).toEqual({ n: 32 });
    expect(importIds).toHaveLength(40);
    expect(db().$client.pragma('foreign_key_check')).toEqual([]);
    const open = db().select().from(pairs).all();
    expect(
      open.filter(({ roundId, state }) => roundId === labelingRoundId && state === 'open'),
    ).toSatisfy((waiting: unknown[]) => waiting.length >= 50);
    const judge = people.find(({ imported, paused }) => !imported && !paused)!;
    expect((await leasePairs({ annotatorId: judge.id })).state).toBe('pairs');
    const verdicts = db().select({ verdict: samples.verdict }).from(samples).limit(50).all();
    expect(
      verdicts.every(
        ({ verdict }) => verdict === null || typeof verdict.defects.deformed?.count === 'number',
      ),
    ).toBe(true);
  });
});
