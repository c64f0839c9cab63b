'use client';

import { useEffect, useEffectEvent } from 'react';
import { type EventKind, eventSchema } from '@/lib/events';

export type HeardEvent = ReturnType<typeof eventSchema.parse> & { roundId: string | null };

/**
 * Calls `onEvent` for every live event of the given kinds, and `onOpen` whenever the connection
 * stands: what happened between the reading of a page and its first connection nobody tells, so it
 * is read once more. The browser reconnects by itself and the server goes on after the last event
 * heard. Without kinds there is no connection.
 */
export function useEvents(
  kinds: readonly EventKind[],
  onEvent: (event: HeardEvent) => void,
  onOpen?: () => void,
): void {
  const hear = useEffectEvent(onEvent);
  const opened = useEffectEvent(() => onOpen?.());
  const wanted = kinds.join(' ');
  useEffect(() => {
    if (wanted === '') return;
    const source = new EventSource('/api/events');
    source.addEventListener('open', () => opened());
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
