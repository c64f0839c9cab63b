import { eq } from 'drizzle-orm';
import { settings } from './schema/people';
import { change, immediate, one } from './transaction';

/**
 * The stored setting, made and stored first if there is none. Two processes get the same one. The
 * caller parses it: it may stem from an older version.
 */
export async function settingOrCreate(key: string, make: () => unknown): Promise<unknown> {
  return immediate(function* (tx) {
    const stored = yield* one(tx.select().from(settings).where(eq(settings.key, key)));
    if (stored) return stored.value;
    const value = make();
    yield* change(tx.insert(settings).values({ key, value }));
    return value;
  });
}
