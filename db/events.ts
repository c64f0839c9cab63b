import { and, asc, eq, gt, max, sql } from 'drizzle-orm';
import type { DarkroomEvent } from '@/lib/events';
import { db } from './client';
import { prepared } from './prepared';
import { events } from './schema/rounds';
import { change, type Steps, type Transaction } from './transaction';

/** An event as it is streamed: `id` is the Last-Event-ID to go on from. */
export type StoredEvent = DarkroomEvent & {
  id: number;
  roundId: string | null;
  createdAt: number;
};

const append = prepared((database) =>
  database
    .insert(events)
    .values({
      kind: sql.placeholder('kind'),
      payload: sql.placeholder('payload'),
      roundId: sql.placeholder('roundId'),
      createdAt: sql.placeholder('createdAt'),
    })
    .prepare(),
);

/** Appends within a decision, so that the event and what it tells of are committed together. */
export function* recordEvent(
  _tx: Transaction,
  event: DarkroomEvent & { roundId: string | null },
  now = Date.now(),
): Steps<void> {
  const { kind, payload, roundId } = event;
  yield* change(append, { kind, payload, roundId, createdAt: now });
}

/** Events with greater ids, oldest first; of one round when asked. */
export async function eventsAfter(
  id: number,
  { limit = 200, roundId }: { limit?: number; roundId?: string } = {},
): Promise<StoredEvent[]> {
  const rows = db()
    .select()
    .from(events)
    .where(and(gt(events.id, id), roundId === undefined ? undefined : eq(events.roundId, roundId)))
    .orderBy(asc(events.id))
    .limit(limit)
    .all();
  // Payloads were typed when they were written, by this same code.
  return rows as StoredEvent[];
}

const latest = prepared((database) =>
  database
    .select({ id: max(events.id) })
    .from(events)
    .prepare(),
);

/** 0 when there are none: a stream that starts now goes on from here. */
export async function latestEventId(): Promise<number> {
  return latest().get()?.id ?? 0;
}
