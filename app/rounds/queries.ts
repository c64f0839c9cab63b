'use client';

import {
  type InfiniteData,
  type QueryClient,
  useInfiniteQuery,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { useRef } from 'react';
import {
  type RoundDetail,
  type RoundSummary,
  type RoundsView,
  roundDetailSchema,
  roundsViewSchema,
  type StepsView,
  stepsViewSchema,
  type TrainerState,
  trainerSchema,
} from '../api/rounds/schema';
import { type HeardEvent, useEvents } from '../events/use-events';
import { useReadAnew } from '../events/use-read-anew';
import { send } from '../http/send';
import { withParams } from '../review/search-params';

export const roundKeys = {
  all: ['rounds'] as const,
  lists: ['rounds', 'list'] as const,
  list: (limit: number | undefined) => ['rounds', 'list', limit] as const,
  one: (id: string) => ['rounds', 'one', id] as const,
  steps: (id: string) => ['rounds', 'steps', id] as const,
  runSteps: (id: string) => ['rounds', 'steps', id, 'run'] as const,
  trainer: ['rounds', 'trainer'] as const,
};

/**
 * Events bring what is new; this is for the one thing that none tells: a trainer that fell silent.
 */
const silenceMs = 15_000;

/** What changes with every pick and every step is counted anew at most this often. */
const settleMs = 15_000;

/** The pace of labeling falls while nothing happens. */
const paceMs = 60_000;

type Pages = InfiniteData<RoundsView, string | null>;

/**
 * The list of rounds, kept up to date; those that are over a page at a time. @param limit length of
 * a page
 */
export function useRounds(initial: RoundsView, limit?: number) {
  const query = useInfiniteQuery({
    queryKey: roundKeys.list(limit),
    queryFn: ({ pageParam }) =>
      send(
        'GET',
        withParams('/api/rounds', { limit, after: pageParam ?? undefined }),
        roundsViewSchema,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
    initialData: { pages: [initial], pageParams: [null] } as Pages,
    // What the server rendered is shown at once and read again, because the page may come from a
    // cache.
    initialDataUpdatedAt: 0,
  });
  const [first = initial] = query.data.pages;
  return {
    underWay: first.underWay,
    over: query.data.pages.flatMap(({ over }) => over),
    overTotal: first.overTotal,
    headlines: first.headlines,
    trainer: useTrainer(first.trainer),
    more: query,
  };
}

/** Whether a trainer is there: a small question, so that it can be asked often. */
export function useTrainer(initialData: TrainerState): TrainerState {
  const { data } = useQuery({
    queryKey: roundKeys.trainer,
    queryFn: () => send('GET', '/api/trainer', trainerSchema),
    initialData,
    refetchInterval: silenceMs,
  });
  return data;
}

/** One round, kept up to date. */
export function useRound(initialData: RoundDetail): RoundDetail {
  const { id, state } = initialData.round;
  const { data } = useQuery({
    queryKey: roundKeys.one(id),
    queryFn: () => send('GET', `/api/rounds/${id}`, roundDetailSchema),
    initialData,
    initialDataUpdatedAt: 0,
    refetchInterval: state === 'labeling' ? paceMs : false,
  });
  return { ...data, trainer: useTrainer(data.trainer) };
}

/**
 * A round's curves, which grow by events while it is under way; or those of all rounds of its run.
 */
export function useSteps(id: string, ofRun: boolean) {
  return useQuery({
    queryKey: ofRun ? roundKeys.runSteps(id) : roundKeys.steps(id),
    queryFn: () =>
      send(
        'GET',
        withParams(`/api/rounds/${id}/steps`, { of: ofRun ? 'run' : undefined }),
        stepsViewSchema,
      ),
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

/** Keeps every query about rounds in step with the live events, as long as the page stands. */
export function useLiveRounds(): void {
  const queryClient = useQueryClient();
  const readAnew = useReadAnew(roundKeys.all);
  const settling = useRef(new Map<string, ReturnType<typeof setTimeout>>());
  const settle = (queryKey: readonly string[]) => {
    const name = queryKey.join(' ');
    if (settling.current.has(name)) return;
    const timer = setTimeout(() => {
      settling.current.delete(name);
      void queryClient.invalidateQueries({ queryKey });
    }, settleMs);
    settling.current.set(name, timer);
  };
  const hear = (event: HeardEvent) => {
    if (event.kind !== 'progress' && event.kind !== 'train-step') return readAnew();
    // What is being read may be older than the event, and would take its place.
    if (queryClient.isFetching({ queryKey: roundKeys.all }) > 0) readAnew();
    if (event.kind === 'progress') {
      showProgress(queryClient, event);
      if (event.roundId) settle(roundKeys.one(event.roundId));
    } else {
      addStep(queryClient, event);
      if (event.roundId) settle(roundKeys.steps(event.roundId));
    }
  };
  useEvents(liveKinds, hear, readAnew);
}

function showProgress(client: QueryClient, event: HeardEvent & { kind: 'progress' }) {
  const { roundId, payload: progress } = event;
  if (!roundId) return;
  const update = (round: RoundSummary) => (round.id === roundId ? { ...round, progress } : round);
  client.setQueriesData<Pages>(
    { queryKey: roundKeys.lists },
    (lists) =>
      lists && {
        ...lists,
        pages: lists.pages.map((page) => ({
          ...page,
          underWay: page.underWay.map(update),
          over: page.over.map(update),
        })),
      },
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
