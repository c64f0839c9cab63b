import { eventsAfter, type StoredEvent } from '@/db/events';
import type { EventKind } from '@/lib/events';
import { can } from '@/lib/permissions';
import type { Role } from '@/lib/roles';

/** How often the database is asked for news. The trainer is another process and cannot call us. */
const pollMs = 700;

/** A comment now and then, so that no proxy takes a quiet stream for a dead one. */
const keepAliveMs = 15_000;

/** What somebody who only labels may hear: nothing that names a policy, so that picks stay blind. */
const blindKinds: ReadonlySet<EventKind> = new Set(['run', 'round', 'progress']);

/** Whether a role may hear of an event. */
export function mayHear(role: Role, event: Pick<StoredEvent, 'kind'>): boolean {
  return can(role, 'rounds.read') || blindKinds.has(event.kind);
}

/** One event in the format of server-sent events; its id is what a reconnecting browser sends back. */
export function formatEvent(event: StoredEvent): string {
  const data = JSON.stringify({ ...event.payload, roundId: event.roundId });
  return `id: ${event.id}\nevent: ${event.kind}\ndata: ${data}\n\n`;
}

/**
 * A stream of the events after `lastId` that `role` may hear, until `signal` aborts. Several pages
 * polling one SQLite file cost little: a query on the primary key that mostly finds nothing.
 */
export function eventStream(lastId: number, role: Role, signal: AbortSignal): ReadableStream {
  const encoder = new TextEncoder();
  let after = lastId;
  let timer: ReturnType<typeof setTimeout>;
  let spokeAt = Date.now();

  return new ReadableStream({
    start(controller) {
      const say = (text: string) => {
        controller.enqueue(encoder.encode(text));
        spokeAt = Date.now();
      };
      const poll = async () => {
        try {
          const events = await eventsAfter(after, { limit: 200 });
          after = events.at(-1)?.id ?? after;
          const heard = events.filter((event) => mayHear(role, event));
          if (heard.length > 0) say(heard.map(formatEvent).join(''));
          else if (Date.now() - spokeAt > keepAliveMs) say(': still here\n\n');
          timer = setTimeout(poll, pollMs);
        } catch (thrown) {
          controller.error(thrown);
        }
      };
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        controller.close();
      });
      say(`retry: 2000\nid: ${after}\n\n`);
      void poll();
    },
    cancel() {
      clearTimeout(timer);
    },
  });
}
