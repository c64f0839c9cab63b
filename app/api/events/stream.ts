import { eventsAfter, type StoredEvent } from '@/db/events';
import type { EventKind } from '@/lib/events';
import { can } from '@/lib/permissions';
import type { Role } from '@/lib/roles';
import { batchMax, feed, type News } from './feed';

/** A comment now and then, so that no proxy takes a quiet stream for a dead one. */
const keepAliveMs = 15_000;

/**
 * What may wait for a reader before events are left in the database until it has caught up, bytes.
 */
const waitingBytesMax = 64 * 1024;

/**
 * What somebody who only labels may hear: nothing that names a policy, so that picks stay blind.
 */
const blindKinds: ReadonlySet<EventKind> = new Set(['run', 'round', 'progress']);

/** Whether a role may hear of an event. */
export function mayHear(role: Role, event: Pick<StoredEvent, 'kind'>): boolean {
  return can(role, 'rounds.read') || blindKinds.has(event.kind);
}

/**
 * One event in the format of server-sent events; its id is what a reconnecting browser sends back.
 */
export function formatEvent(event: StoredEvent): string {
  const data = JSON.stringify({ ...event.payload, roundId: event.roundId });
  return `id: ${event.id}\nevent: ${event.kind}\ndata: ${data}\n\n`;
}

/** Of a round's progress told several times at once, only the last: each tells all of it. */
export function withoutStale(events: readonly StoredEvent[]): StoredEvent[] {
  const last = new Map(
    events.filter(({ kind }) => kind === 'progress').map(({ roundId, id }) => [roundId, id]),
  );
  return events.filter(({ kind, roundId, id }) => kind !== 'progress' || last.get(roundId) === id);
}

const encoder = new TextEncoder();

/** What a role hears of events, as bytes; null where there is nothing to hear. */
function heardBy(role: Role, events: readonly StoredEvent[]): Uint8Array | null {
  const heard = withoutStale(events).filter((event) => mayHear(role, event));
  return heard.length > 0 ? encoder.encode(heard.map(formatEvent).join('')) : null;
}

const toldOf = new WeakMap<News, Map<Role, Uint8Array | null>>();

/** The same for all streams of a role, so written once. */
function newsFor(role: Role, news: News): Uint8Array | null {
  const told = toldOf.get(news) ?? new Map<Role, Uint8Array | null>();
  toldOf.set(news, told);
  if (!told.has(role)) told.set(role, heardBy(role, news.events));
  return told.get(role) ?? null;
}

/**
 * A stream of the events after `lastId` that `role` may hear, until `signal` aborts or its reader
 * goes. All streams share one look at the database. One whose reader is slow, or that starts
 * behind, reads for itself until it has caught up, no faster than it is read.
 */
export function eventStream(lastId: number, role: Role, signal: AbortSignal): ReadableStream {
  let stream: OpenStream;
  return new ReadableStream(
    {
      start(controller) {
        stream = new OpenStream(controller, lastId, role, signal);
      },
      pull: () => stream.catchUp(),
      cancel: () => stream.stop(),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: waitingBytesMax }),
  );
}

class OpenStream {
  #after: number;
  #isBehind = true;
  #isReading = false;
  #hasEnded = false;
  #spokeAt = Date.now();
  readonly #unlisten: () => void;
  readonly #alive: ReturnType<typeof setInterval>;

  constructor(
    private readonly controller: ReadableStreamDefaultController,
    lastId: number,
    private readonly role: Role,
    private readonly signal: AbortSignal,
  ) {
    this.#after = lastId;
    this.#unlisten = feed.listen((news) => this.#hear(news));
    this.#alive = setInterval(() => this.#keepAlive(), keepAliveMs);
    signal.addEventListener('abort', this.#end);
    this.#say(encoder.encode(`retry: 2000\nid: ${lastId}\n\n`));
    if (signal.aborted) this.#end();
  }

  /** Reads what was missed, as long as there is room for it. */
  async catchUp(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (this.#isBehind && this.#hasRoom) {
        const events = await eventsAfter(this.#after, { limit: batchMax });
        this.#after = events.at(-1)?.id ?? this.#after;
        this.#say(heardBy(this.role, events));
        const isAll = events.length < batchMax && this.#after >= (feed.told ?? 0);
        if (isAll) this.#isBehind = false;
      }
    } finally {
      this.#isReading = false;
    }
  }

  /** No more is said; the reader has gone. */
  stop(): void {
    this.#hasEnded = true;
    this.#unlisten();
    clearInterval(this.#alive);
    this.signal.removeEventListener('abort', this.#end);
  }

  get #hasRoom(): boolean {
    return !this.#hasEnded && (this.controller.desiredSize ?? 0) > 0;
  }

  #say(bytes: Uint8Array | null): void {
    if (!bytes || this.#hasEnded) return;
    this.controller.enqueue(bytes);
    this.#spokeAt = Date.now();
  }

  #hear(news: News): void {
    if (news.to <= this.#after) return;
    if (!this.#isBehind && news.from === this.#after && this.#hasRoom) {
      this.#after = news.to;
      this.#say(newsFor(this.role, news));
      return;
    }
    this.#isBehind = true;
    this.catchUp().catch((thrown) => {
      if (this.#hasEnded) return;
      this.stop();
      this.controller.error(thrown);
    });
  }

  #keepAlive(): void {
    if (this.#hasRoom && Date.now() - this.#spokeAt >= keepAliveMs) {
      this.#say(encoder.encode(': still here\n\n'));
    }
  }

  readonly #end = () => {
    if (this.#hasEnded) return;
    this.stop();
    this.controller.close();
  };
}
