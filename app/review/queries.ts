'use client';

import {
  type QueryKey,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { z } from 'zod';
import type { FlagState } from '@/lib/flags';
import {
  type AnnotatorsView,
  annotatorsViewSchema,
  type FlagsQuery,
  type FlagsView,
  flagsViewSchema,
  type ImagesQuery,
  type ImagesView,
  imagesViewSchema,
  type RatesQuery,
  type RatesView,
  ratesViewSchema,
} from '../api/review/schema';
import { useToast } from '../components/ui/toast';
import { useEvents } from '../events/use-events';
import { useReadAnew } from '../events/use-read-anew';
import { send } from '../http/send';
import { withParams } from './search-params';

const reviewKeys = {
  all: ['review'] as const,
  rates: (query: RatesQuery) => ['review', 'rates', query] as const,
  images: (query: ImagesQuery) => ['review', 'images', query] as const,
  flags: (query: FlagsQuery) => ['review', 'flags', query] as const,
  annotators: ['review', 'annotators'] as const,
};

/**
 * Defect rates from the newest version on back, oldest first; read anew when a version has been
 * measured.
 */
export function useRates(query: RatesQuery, initial: RatesView) {
  const readAnew = useReadAnew(reviewKeys.all);
  useEvents(['policy', 'evaluation'], readAnew, readAnew);
  const more = useInfiniteQuery({
    queryKey: reviewKeys.rates(query),
    queryFn: ({ pageParam }) =>
      send(
        'GET',
        withParams('/api/review/rates', { ...query, before: pageParam ?? undefined }),
        ratesViewSchema,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ earlier }) => earlier,
    initialData: { pages: [initial], pageParams: [null] },
    initialDataUpdatedAt: 0,
  });
  const { pages } = more.data;
  const rates = pages.toReversed().flatMap((page) => page.rates);
  const { total, judged, judge, drawings, drawing } = pages[0] ?? initial;
  return { rates, total, judged, judge, drawings, drawing, more };
}

/** The images behind a rate, page by page. */
export function useReviewImages(query: ImagesQuery, first: ImagesView) {
  return useInfiniteQuery({
    queryKey: reviewKeys.images(query),
    queryFn: ({ pageParam }) =>
      send(
        'GET',
        withParams('/api/review/images', { ...query, after: pageParam ?? undefined }),
        imagesViewSchema,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
    initialData: { pages: [first], pageParams: [null] },
    initialDataUpdatedAt: 0,
  });
}

/** The queue of flags. */
export function useFlags(query: FlagsQuery, initialData: FlagsView) {
  return useQuery({
    queryKey: reviewKeys.flags(query),
    queryFn: () => send('GET', withParams('/api/review/flags', query), flagsViewSchema),
    initialData,
    initialDataUpdatedAt: 0,
  });
}

/** How each annotator judges, page by page. */
export function useAnnotators(initial: AnnotatorsView) {
  const more = useInfiniteQuery({
    queryKey: reviewKeys.annotators,
    queryFn: ({ pageParam }) =>
      send(
        'GET',
        withParams('/api/review/annotators', { after: pageParam ?? undefined }),
        annotatorsViewSchema,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
    initialData: { pages: [initial], pageParams: [null] },
    initialDataUpdatedAt: 0,
  });
  const { pages } = more.data;
  const [first = initial] = pages;
  return { ...first, annotators: pages.flatMap((page) => page.annotators), more };
}

/** Decides on a flag. Rates and images are read anew, the queue is the caller's business. */
export function useFlagDecision() {
  const { complain } = useToast();
  const change = useReviewChange();
  return useMutation({
    mutationFn: ({ id, state }: { id: string; state: FlagState }) =>
      send('POST', `/api/review/flags/${id}`, z.unknown(), { state }),
    onError: (error) => complain('The decision was not stored', error.message),
    onSettled: () => change(['review', 'images'], ['review', 'rates']),
  });
}

/** Holds back an annotator, or lets them count again. */
export function useHoldBack() {
  const { complain } = useToast();
  const change = useReviewChange();
  return useMutation({
    mutationFn: ({ id, action }: { id: string; action: 'pause' | 'resume' }) =>
      send('POST', `/api/review/annotators/${id}/${action}`, z.unknown()),
    onError: (error) => complain('Nothing was changed', error.message),
    onSettled: () => change(reviewKeys.annotators),
  });
}

function useReviewChange() {
  const queryClient = useQueryClient();
  return (...keys: QueryKey[]) => {
    for (const queryKey of keys) void queryClient.invalidateQueries({ queryKey });
  };
}
