import { asc, eq, isNotNull } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { db } from '@/db/client';
import { materialOf } from '@/db/figures/material';
import { newId } from '@/db/ids';
import { statementsOf } from '@/db/rewards/reward-data';
import { flags, preferences, taggings } from '@/db/schema/labels';
import { user } from '@/db/schema/people';
import { learnedSources } from '@/lib/rewards';
import { chanceOf } from '../../support/growth/chance';
import { growHome } from '../../support/growth/grow';
import { withTemporaryHome } from '../support';

withTemporaryHome();

/** What is counted, against the statements that a model would be trained on. */
async function expectExact(now: number): Promise<void> {
  for (const pipeline of ['hands', '/models/tiny-sd', 'elsewhere']) {
    const material = await materialOf(pipeline, now);
    for (const source of learnedSources) {
      const { statements, annotators } = await statementsOf(pipeline, source, now);
      const labels = statements.map(({ label }) => label);
      expect({ pipeline, source, ...material[source] }).toEqual({
        pipeline,
        source,
        decided: labels.filter((label) => label !== 0.5).length,
        good: source === 'flags' ? labels.filter((label) => label > 0.5).length : 0,
        silent: labels.filter((label) => label === 0.5).length,
        annotators,
      });
    }
  }
}

describe('materialOf', () => {
  it('counts what reading all statements would, whoever is paused and whatever can be taken back', async () => {
    const now = Date.now();
    await expectExact(now);
    await growHome({ answers: 400, people: 20, rounds: 9, now });
    await expectExact(now);
    const chance = chanceOf(5);
    const mostly = <T>(items: T[]) => items.filter(() => chance.next() < 0.15);
    for (let turn = 0; turn < 5; turn++) {
      for (const { id, supersededAt } of mostly(
        db().select().from(taggings).orderBy(asc(taggings.id)).all(),
      )) {
        const own = eq(taggings.id, id);
        if (chance.next() < 0.5)
          db()
            .update(taggings)
            .set({ createdAt: now - 5000 })
            .where(own)
            .run();
        else if (supersededAt === null)
          db().update(taggings).set({ supersededAt: 1 }).where(own).run();
        else db().delete(taggings).where(own).run();
      }
      for (const { id, supersededAt } of mostly(
        db().select().from(preferences).orderBy(asc(preferences.id)).all(),
      )) {
        const own = eq(preferences.id, id);
        const drawn = chance.next();
        if (drawn < 0.3)
          db()
            .update(preferences)
            .set({ createdAt: now - 5000 })
            .where(own)
            .run();
        else if (drawn < 0.6)
          db()
            .update(preferences)
            .set({ answer: chance.pick(['left', 'both-bad', 'tie'] as const) })
            .where(own)
            .run();
        else if (drawn < 0.8 && supersededAt === null)
          db().update(preferences).set({ supersededAt: 1 }).where(own).run();
        else db().delete(preferences).where(own).run();
      }
      const byPeople = db()
        .select()
        .from(flags)
        .where(isNotNull(flags.annotatorId))
        .orderBy(asc(flags.id))
        .all();
      for (const flag of mostly(byPeople)) {
        const own = eq(flags.id, flag.id);
        const drawn = chance.next();
        if (drawn < 0.4)
          db()
            .update(flags)
            .set({ state: chance.pick(['open', 'confirmed', 'rejected'] as const) })
            .where(own)
            .run();
        else if (drawn < 0.6)
          db()
            .update(flags)
            .set({ createdAt: now - 5000 })
            .where(own)
            .run();
        else if (drawn < 0.8) db().delete(flags).where(own).run();
        // Known already: stored by nobody, counted by nobody.
        else
          db()
            .insert(flags)
            .values({ ...flag, id: newId() })
            .onConflictDoNothing()
            .run();
      }
      for (const { id, pausedAt } of mostly(db().select().from(user).orderBy(asc(user.id)).all())) {
        db()
          .update(user)
          .set({ pausedAt: pausedAt === null ? now : null })
          .where(eq(user.id, id))
          .run();
      }
      await expectExact(now);
      // Nothing can be taken back any more.
      await expectExact(now + 3600_000);
    }
  });
});
