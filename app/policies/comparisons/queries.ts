'use client';

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { z } from 'zod';
import { type Ask, type Ratings, ratingsSchema } from '../../api/policies/comparisons/schema';
import { useToast } from '../../components/ui/toast';
import { send } from '../../http/send';
import { withParams } from '../../review/search-params';

const path = '/api/policies/comparisons';

/** While people are asked, answers come all the time. */
const whileAskedMs = 10_000;

/** How a pipeline's versions rate. */
export function useRatings(
  of: { pipeline: string; drawing: string | undefined },
  initialData: Ratings,
): Ratings {
  const { data } = useQuery({
    // Below what is read anew when something happens to a policy.
    queryKey: ['policies', 'ratings', of],
    queryFn: () => send('GET', withParams(path, of), ratingsSchema),
    initialData,
    initialDataUpdatedAt: 0,
    refetchInterval: ({ state }) =>
      state.data?.asked.some(({ open }) => open > 0) ? whileAskedMs : false,
  });
  return data;
}

/** Asks people which of two versions is better. */
export function useAsk() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (ask: Ask) => send('POST', path, z.object({ asked: z.number().int() }), ask),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['policies', 'ratings'] }),
  });
}

/** Stops asking. */
export function useStopAsking() {
  const queryClient = useQueryClient();
  const { complain } = useToast();
  return useMutation({
    mutationFn: (versions: { one: string; other: string }) =>
      send('DELETE', withParams(path, versions), z.unknown()),
    onError: (error) => complain('Nothing was changed', error.message),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['policies', 'ratings'] }),
  });
}
