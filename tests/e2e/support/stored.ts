import { asc, eq } from 'drizzle-orm';
import { db } from '@/db/client';
import { flags, groups, pairs, preferences, taggings } from '@/db/schema/labels';

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

/** The readings on disk for a round of groups, undone ones too, oldest first. */
export function storedTaggings(roundId: string): (typeof taggings.$inferSelect)[] {
  return db()
    .select({ tagging: taggings })
    .from(taggings)
    .innerJoin(groups, eq(groups.id, taggings.groupId))
    .where(eq(groups.roundId, roundId))
    .orderBy(asc(taggings.createdAt))
    .all()
    .map(({ tagging }) => tagging);
}

/** The flags that people have set, oldest first. */
export function storedFlags(): (typeof flags.$inferSelect)[] {
  return db()
    .select()
    .from(flags)
    .where(eq(flags.source, 'annotator'))
    .orderBy(asc(flags.createdAt))
    .all();
}
