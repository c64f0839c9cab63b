'use client';

import { useEffect, useEffectEvent, useState, useSyncExternalStore } from 'react';
import { outcomeSchema } from '../api/label/schema';
import { send } from '../http/send';
import { dayStart } from './day-start';
import { createOutbox, type Outbox, type OutboxView, type Watcher } from './outbox';

const empty: OutboxView = { unsent: 0, leaseIds: [], trouble: null };

/** One for each person who uses this page, kept when the labeling screen is left: it goes on sending. */
const opened = new Map<string, Outbox>();

function outboxOf(owner: string): Outbox {
  const known = opened.get(owner);
  if (known) return known;
  const outbox = createOutbox({
    owner,
    storage: window.localStorage,
    deliver: (deed) =>
      send('POST', `/api/label/${deed.kind}?dayStartMs=${dayStart()}`, outcomeSchema, deed.body, {
        keepalive: true,
      }),
  });
  window.addEventListener('online', () => outbox.hurry());
  opened.set(owner, outbox);
  return outbox;
}

const hearNothing = () => () => {};

/** The person's outbox in this browser: null until the page runs, and what is in it. */
export function useOutbox(
  owner: string,
  onResult?: Watcher,
): { outbox: Outbox | null; view: OutboxView } {
  const [outbox, setOutbox] = useState<Outbox | null>(null);
  const heard = useEffectEvent<Watcher>((deed, result) => onResult?.(deed, result));

  useEffect(() => {
    const found = outboxOf(owner);
    setOutbox(found);
    return found.watch((deed, result) => heard(deed, result));
  }, [owner]);

  const view = useSyncExternalStore(
    outbox?.subscribe ?? hearNothing,
    () => outbox?.view() ?? empty,
    () => empty,
  );
  return { outbox, view };
}
