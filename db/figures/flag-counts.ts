import { count } from 'drizzle-orm';
import { type FlagState, flagStates } from '@/lib/flags';
import { db } from '../client';
import { flags } from '../schema/labels';

/** How many flags there are in each state, those of judges and of people together. */
export async function flagCounts(): Promise<Record<FlagState, number>> {
  const rows = db()
    .select({ state: flags.state, n: count() })
    .from(flags)
    .groupBy(flags.state)
    .all();
  const counts = flagStates.map((state) => [
    state,
    rows.find((row) => row.state === state)?.n ?? 0,
  ]);
  return Object.fromEntries(counts) as Record<FlagState, number>;
}
