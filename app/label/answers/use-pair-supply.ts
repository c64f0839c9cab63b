'use client';

import { useMutation } from '@tanstack/react-query';
import { type Dispatch, useEffect } from 'react';
import { toAppError } from '@/lib/errors';
import {
  groupsInHand,
  type Idle,
  type LabelProgress,
  nextAnswerSchema,
} from '../../api/label/schema';
import { send } from '../../http/send';
import { dayStart } from './day-start';
import type { LabelAction, LabelState } from './label-state';

/** How long to wait before asking again, in ms; null: until something else happens. */
function retryMs(idle: Idle): number | null {
  switch (idle.state) {
    case 'sampling':
      return 2_000;
    case 'hand-full':
      return 2_000;
    case 'all-leased':
      return Math.min(Math.max(idle.retryAfterMs, 1_000), 10_000);
    case 'training':
    case 'done':
    case 'no-round':
      return 5_000;
    case 'consent':
    case 'paused':
      return null;
  }
}

const failedRetryMs = 3_000;

/**
 * Keeps the hand full: asks for pairs or groups whenever fewer than wanted are there, and again
 * after a pause when the server had none or could not be reached. Returns `ask`, to ask without
 * waiting.
 */
export function usePairSupply(options: {
  state: LabelState;
  dispatch: Dispatch<LabelAction>;
  /** How many pairs to have in hand. */
  pairsWanted: number;
  /** Leases whose answers the server has not yet acknowledged. */
  unsentLeaseIds: string[];
  /** The server does not take them now. */
  stuck: boolean;
  onAnswer: (answer: { progress: LabelProgress; leaseSeconds: number | null }) => void;
}): { ask: () => void } {
  const { state, dispatch } = options;
  const { hand } = state;
  // What has an answer on its way still counts at the server, which lets nobody hold more than the
  // hand.
  const held = new Set([...hand.map(({ leaseId }) => leaseId), ...options.unsentLeaseIds]);
  const missing = (hand[0]?.kind === 'group' ? groupsInHand : options.pairsWanted) - held.size;
  const { mutate, isPending } = useMutation({
    networkMode: 'always',
    mutationFn: () => {
      const holding = [...held, ...state.unusable];
      const query = new URLSearchParams({
        count: String(Math.max(1, missing)),
        holding: holding.join(','),
        dayStartMs: dayStart(),
      });
      return send('GET', `/api/label/next?${query}`, nextAnswerSchema);
    },
    onSuccess: (answer) => {
      options.onAnswer(answer);
      const { supply } = answer;
      if (supply.state === 'pairs') dispatch({ type: 'supplied', pairs: supply.pairs });
      else if (supply.state === 'groups') {
        dispatch({ type: 'groups-supplied', groups: supply.groups });
      } else dispatch({ type: 'ran-out', idle: supply });
    },
    onError: (thrown) => {
      const { code, message } = toAppError(thrown);
      dispatch({ type: 'supply-failed', code, message });
    },
  });

  // Where answers do not get through, asking tells why.
  const isStuck = options.stuck && hand.length === 0;
  const short = missing > 0 || isStuck;
  const pauseMs = state.failure ? failedRetryMs : state.idle ? retryMs(state.idle) : 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: every answer of the server starts the pause anew, also when it equals the last
  useEffect(() => {
    if (!short || isPending || pauseMs === null) return;
    const timer = setTimeout(() => mutate(), pauseMs);
    return () => clearTimeout(timer);
  }, [short, isPending, pauseMs, state.supplies, mutate]);

  return {
    ask: () => {
      if (!isPending) mutate();
    },
  };
}
