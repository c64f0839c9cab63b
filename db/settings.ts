import { eq } from 'drizzle-orm';
import { settings } from './schema/people';
import { immediate } from './transaction';

/**
 * The stored setting, made and stored first if there is none. Two processes get the same one. The
 * caller parses it: it may stem from an older version.
 */
export async function settingOrCreate(key: string, make: () => unknown): Promise<unknown> {
  return immediate((tx) => {
    const stored = tx.select().from(settings).where(eq(settings.key, key)).get();
    if (stored) return stored.value;
    const value = make();
    tx.insert(settings).values({ key, value }).run();
    return value;
  });
}
