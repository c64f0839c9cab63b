'use client';

import { useState } from 'react';
import type { FlagState } from '@/lib/flags';
import type { FlagsQuery, FlagsView, QueuedFlag } from '../../api/review/schema';
import { useFlagDecision, useFlags } from '../queries';

export type FlagQueue = ReturnType<typeof useFlagQueue>;

/**
 * Flags one after the other. A decision shows at once and the next flag stands there; what the
 * server refuses goes back to what it was. The batch stays as it is until all of it is decided, so
 * that one can go back in it.
 */
export function useFlagQueue(query: FlagsQuery, initial: FlagsView) {
  const { refetch } = useFlags(query, initial);
  const [{ flags: batch, counts }, setBatch] = useState(initial);
  const [decided, setDecided] = useState<ReadonlyMap<string, FlagState>>(new Map());
  const [at, setAt] = useState(0);
  const decision = useFlagDecision();
  const current: QueuedFlag | undefined = batch[at];

  function stateOf(flag: QueuedFlag): FlagState {
    return decided.get(flag.id) ?? flag.state;
  }

  function mark(id: string, state: FlagState) {
    setDecided((old) => new Map(old).set(id, state));
  }

  function decide(state: FlagState) {
    if (!current) return;
    const { id } = current;
    const before = stateOf(current);
    mark(id, state);
    decision.mutate({ id, state }, { onError: () => mark(id, before) });
    if (state !== 'open') setAt((index) => Math.min(index + 1, batch.length));
  }

  async function refill() {
    const fresh = await refetch();
    if (fresh.data) setBatch(fresh.data);
    setDecided(new Map());
    setAt(0);
  }

  return {
    flags: batch,
    counts: countsAfter(counts, batch, stateOf),
    current,
    at,
    stateOf,
    decide,
    refill,
    goTo: (index: number) => setAt(Math.max(0, Math.min(index, batch.length - 1))),
    /** Back to the last flag, open again. */
    undo: () => {
      const last = batch[at - 1];
      if (!last) return;
      const before = stateOf(last);
      setAt(at - 1);
      mark(last.id, 'open');
      decision.mutate({ id: last.id, state: 'open' }, { onError: () => mark(last.id, before) });
    },
  };
}

/** How many flags there are in each state once what was decided in the batch is counted. */
function countsAfter(
  counts: FlagsView['counts'],
  batch: QueuedFlag[],
  stateOf: (flag: QueuedFlag) => FlagState,
): FlagsView['counts'] {
  const after = { ...counts };
  for (const flag of batch) {
    after[flag.state] -= 1;
    after[stateOf(flag)] += 1;
  }
  return after;
}
