import { eventsAfter, latestEventId, type StoredEvent } from '@/db/events';

/** How often the database is asked for news. The trainer is another process and cannot call us. */
const pollMs = 700;

/** Most events read at once; more wait for the next turn. */
export const batchMax = 200;

/**
 * News for all streams of this process: what came after event `from`, up to and with event `to`.
 */
export type News = { from: number; to: number; events: StoredEvent[] };

type Listener = (news: News) => void;

/**
 * One look at the database for all streams of a process, while there are any: at the greatest id,
 * and only when it has grown at what is new.
 */
class Feed {
  readonly #listeners = new Set<Listener>();
  #told: number | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** The last event that listeners were told of; null before the first look. */
  get told(): number | null {
    return this.#told;
  }

  /**
   * Tells of all events after the first look, which itself only tells how far events have come.
   * Returns how to stop listening.
   */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    this.#timer ??= setTimeout(this.#look, pollMs);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#told = null;
    };
  }

  readonly #look = async () => {
    try {
      const latest = await latestEventId();
      if (latest !== this.#told) await this.#tell(latest);
    } catch {
      // A database that cannot be asked right now loses nobody an event: the next look asks from
      // the same place.
    }
    this.#timer = this.#listeners.size > 0 ? setTimeout(this.#look, pollMs) : undefined;
  };

  async #tell(latest: number): Promise<void> {
    const from = this.#told ?? latest;
    const events = await eventsAfter(from, { limit: batchMax });
    const to = events.at(-1)?.id ?? from;
    this.#told = to;
    for (const listener of this.#listeners) listener({ from, to, events });
  }
}

// On globalThis, because a development server evaluates this module again after every change.
const processWide = globalThis as { darkroomFeed?: Feed };
processWide.darkroomFeed ??= new Feed();

export const feed: Pick<Feed, 'told' | 'listen'> = processWide.darkroomFeed;
