import { eq } from 'drizzle-orm';
import { db } from './client';
import { settings } from './schema/people';
import { immediate } from './transaction';

/** A stored setting, or undefined. The caller parses it: it may stem from an older version. */
export async function getSetting(key: string): Promise<unknown> {
  return db().select().from(settings).where(eq(settings.key, key)).get()?.value;
}

export async function setSetting(key: string, value: unknown): Promise<void> {
  await immediate((tx) =>
    tx
      .insert(settings)
      .values({ key, value })
      .onConflictDoUpdate({ target: settings.key, set: { value } })
      .run(),
  );
}

/** The stored setting, made and stored first if there is none. Two processes get the same one. */
export async function settingOrCreate(key: string, make: () => unknown): Promise<unknown> {
  return immediate((tx) => {
    const stored = tx.select().from(settings).where(eq(settings.key, key)).get();
    if (stored) return stored.value;
    const value = make();
    tx.insert(settings).values({ key, value }).run();
    return value;
  });
}
