'use client';

import { useEffect, useEffectEvent, useState, useSyncExternalStore } from 'react';
import { outcomeSchema } from '../../api/label/schema';
import { browserStorage } from '../../components/storage/browser-storage';
import { send } from '../../http/send';
import { dayStart } from './day-start';
import { createOutbox, nothingUnsent, type Outbox, type OutboxView, type Watcher } from './outbox';

/**
 * One for each person who uses this page, kept when the labeling screen is left: it goes on
 * sending.
 */
const opened = new Map<string, Outbox>();

function outboxOf(owner: string): Outbox {
  const known = opened.get(owner);
  if (known) return known;
  const outbox = createOutbox({
    owner,
    storage: browserStorage(),
    deliver: (action) =>
      send(
        'POST',
        `/api/label/${action.kind}?dayStartMs=${dayStart()}`,
        outcomeSchema,
        action.body,
        {
          keepalive: true,
        },
      ),
  });
  window.addEventListener('online', () => outbox.hurry());
  // What lies in this page alone would be lost with it: the browser asks before it goes.
  window.addEventListener('beforeunload', (event) => {
    if (outbox.view().unkept > 0) event.preventDefault();
  });
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
  const heard = useEffectEvent<Watcher>((action, result) => onResult?.(action, result));

  useEffect(() => {
    const found = outboxOf(owner);
    setOutbox(found);
    return found.watch((action, result) => heard(action, result));
  }, [owner]);

  const view = useSyncExternalStore(
    outbox?.subscribe ?? hearNothing,
    () => outbox?.view() ?? nothingUnsent,
    () => nothingUnsent,
  );
  return { outbox, view };
}
