import { asc, eq } from 'drizzle-orm';
import { db } from '@/db/client';
import { pairs, preferences } from '@/db/schema/labels';

/** The answers on disk for a round, undone ones too, oldest first. */
export function storedPreferences(roundId: string): (typeof preferences.$inferSelect)[] {
  return db()
    .select({ preference: preferences })
    .from(preferences)
    .innerJoin(pairs, eq(pairs.id, preferences.pairId))
    .where(eq(pairs.roundId, roundId))
    .orderBy(asc(preferences.createdAt))
    .all()
    .map(({ preference }) => preference);
}
