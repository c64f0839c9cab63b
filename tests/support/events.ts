import { latestEventId, recordEvent } from '@/db/events';
import { immediate } from '@/db/transaction';
import type { DarkroomEvent } from '@/lib/events';

/** Appends one event; returns its id. */
export async function appendEvent(
  event: DarkroomEvent & { roundId: string | null },
): Promise<number> {
  await immediate((tx) => recordEvent(tx, event));
  return latestEventId();
}
