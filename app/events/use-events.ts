'use client';

import { useEffect, useEffectEvent } from 'react';
import { type EventKind, eventSchema } from '@/lib/events';

export type HeardEvent = ReturnType<typeof eventSchema.parse> & { roundId: string | null };

/**
 * Calls `onEvent` for every live event of the given kinds. The browser reconnects by itself and the
 * server goes on after the last event heard. Without kinds there is no connection.
 */
export function useEvents(kinds: readonly EventKind[], onEvent: (event: HeardEvent) => void): void {
  const hear = useEffectEvent(onEvent);
  const wanted = kinds.join(' ');
  useEffect(() => {
    if (wanted === '') return;
    const source = new EventSource('/api/events');
    for (const kind of wanted.split(' ')) {
      source.addEventListener(kind, (message) => {
        const { roundId, ...payload } = JSON.parse(message.data);
        const parsed = eventSchema.safeParse({ kind, payload });
        if (parsed.success) hear({ ...parsed.data, roundId });
      });
    }
    return () => source.close();
  }, [wanted]);
}
