'use client';

import { type QueryClient, useQuery, useQueryClient } from '@tanstack/react-query';
import { useRef } from 'react';
import {
  type RoundDetail,
  type RoundSummary,
  type RoundsView,
  roundDetailSchema,
  roundsViewSchema,
  type StepsView,
  stepsViewSchema,
} from '../api/rounds/schema';
import { type HeardEvent, useEvents } from '../events/use-events';
import { send } from '../http/send';

export const roundKeys = {
  all: ['rounds'] as const,
  list: ['rounds', 'list'] as const,
  one: (id: string) => ['rounds', 'one', id] as const,
  steps: (id: string) => ['rounds', 'steps', id] as const,
};

/** Events bring what is new; this is for what no event tells, such as a trainer that fell silent. */
const refetchInterval = 15_000;

/** What the server rendered is shown at once and read again, because the page may come from a cache. */
const renderedByServer = { initialDataUpdatedAt: 0, refetchInterval };

/** The list of rounds, kept up to date. */
export function useRounds(initialData: RoundsView): RoundsView {
  const { data } = useQuery({
    queryKey: roundKeys.list,
    queryFn: () => send('GET', '/api/rounds', roundsViewSchema),
    initialData,
    ...renderedByServer,
  });
  return data;
}

/** One round, kept up to date. */
export function useRound(initialData: RoundDetail): RoundDetail {
  const { id } = initialData.round;
  const { data } = useQuery({
    queryKey: roundKeys.one(id),
    queryFn: () => send('GET', `/api/rounds/${id}`, roundDetailSchema),
    initialData,
    ...renderedByServer,
  });
  return data;
}

/** A round's curves; while it is under way they grow by events, and the rest is read now and then. */
export function useSteps(id: string, live: boolean) {
  return useQuery({
    queryKey: roundKeys.steps(id),
    queryFn: () => send('GET', `/api/rounds/${id}/steps`, stepsViewSchema),
    refetchInterval: live ? refetchInterval : false,
  });
}

const liveKinds = [
  'run',
  'round',
  'progress',
  'train-step',
  'policy',
  'serving',
  'evaluation',
  'worker',
] as const;

/** Events come in bursts; what they touch is read anew once per burst. */
const gatherMs = 800;

/** Keeps every query about rounds in step with the live events, as long as the page stands. */
export function useLiveRounds(): void {
  const queryClient = useQueryClient();
  const pending = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEvents(liveKinds, (event) => {
    if (event.kind === 'progress') return showProgress(queryClient, event);
    if (event.kind === 'train-step') return addStep(queryClient, event);
    pending.current ??= setTimeout(() => {
      pending.current = undefined;
      void queryClient.invalidateQueries({ queryKey: roundKeys.all });
    }, gatherMs);
  });
}

function showProgress(client: QueryClient, event: HeardEvent & { kind: 'progress' }) {
  const { roundId, payload: progress } = event;
  if (!roundId) return;
  const update = (round: RoundSummary) => (round.id === roundId ? { ...round, progress } : round);
  client.setQueryData<RoundsView>(
    roundKeys.list,
    (view) => view && { ...view, rounds: view.rounds.map(update) },
  );
  client.setQueryData<RoundDetail>(
    roundKeys.one(roundId),
    (view) => view && { ...view, round: update(view.round) },
  );
}

/** A trainer that resumes repeats steps: whatever stood from this step on is replaced. */
function addStep(client: QueryClient, event: HeardEvent & { kind: 'train-step' }) {
  if (!event.roundId) return;
  client.setQueryData<StepsView>(
    roundKeys.steps(event.roundId),
    (view) =>
      view && {
        ...view,
        steps: [...view.steps.filter(({ step }) => step < event.payload.step), event.payload],
      },
  );
}
