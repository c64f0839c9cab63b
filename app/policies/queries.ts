'use client';

import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { z } from 'zod';
import {
  gridSchema,
  type PoliciesView,
  type PolicyDetail,
  type PolicyGrid,
  policiesViewSchema,
  policyDetailSchema,
} from '../api/policies/schema';
import { useToast } from '../components/ui/toast';
import { useEvents } from '../events/use-events';
import { useReadAnew } from '../events/use-read-anew';
import { send } from '../http/send';
import { withParams } from '../review/search-params';

/** A pipeline, and how its versions are drawn that are compared. */
interface Shown {
  pipeline: string;
  drawing: string | undefined;
}

const policyKeys = {
  all: ['policies'] as const,
  tree: (of: Shown) => ['policies', 'tree', of] as const,
  grid: (of: Shown) => ['policies', 'grid', of] as const,
  one: (id: string) => ['policies', 'one', id] as const,
};

/**
 * The tree of a pipeline, from the newest version on back; read anew when a policy appears, is
 * measured or is served.
 */
export function usePolicies(initial: PoliciesView) {
  const of = { pipeline: initial.pipeline ?? '', drawing: initial.drawing ?? undefined };
  const more = useInfiniteQuery({
    queryKey: policyKeys.tree(of),
    queryFn: ({ pageParam }) =>
      send(
        'GET',
        withParams('/api/policies', { ...of, before: pageParam ?? undefined }),
        policiesViewSchema,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ earlier }) => earlier,
    initialData: { pages: [initial], pageParams: [null] },
    initialDataUpdatedAt: 0,
  });
  const [first = initial] = more.data.pages;
  const all = more.data.pages.toReversed().flatMap((page) => page.policies);
  // The bases come with the first page and once more with the page on which they belong.
  const byId = new Map(all.map((policy) => [policy.id, policy]));
  const policies = [...byId.values()].sort((a, b) => a.createdAt - b.createdAt);
  return { ...first, policies, more };
}

/** The grid of prompts and versions, page by page. */
export function usePolicyGrid(of: Shown, first: PolicyGrid) {
  return useInfiniteQuery({
    queryKey: policyKeys.grid(of),
    queryFn: ({ pageParam }) =>
      send('GET', withParams('/api/policies/grid', { ...of, offset: pageParam }), gridSchema),
    initialPageParam: 0,
    getNextPageParam: ({ next }) => next,
    initialData: { pages: [first], pageParams: [0] },
    initialDataUpdatedAt: 0,
  });
}

/** One policy. */
export function usePolicy(initialData: PolicyDetail): PolicyDetail {
  const { id } = initialData.policy;
  const { data } = useQuery({
    queryKey: policyKeys.one(id),
    queryFn: () => send('GET', `/api/policies/${id}`, policyDetailSchema),
    initialData,
    initialDataUpdatedAt: 0,
  });
  return data;
}

/** Reads policies anew when something happens to one. */
export function useLivePolicies(): void {
  const readAnew = useReadAnew(policyKeys.all);
  useEvents(['policy', 'serving', 'evaluation'], readAnew, readAnew);
}

/** Serves a policy, an earlier one to roll back. */
export function useServe() {
  const queryClient = useQueryClient();
  const { say, complain } = useToast();
  return useMutation({
    mutationFn: ({ id }: { id: string; name: string }) =>
      send('POST', `/api/policies/${id}/serve`, z.unknown()),
    onSuccess: (_, { name }) => say(`${name} is served from the next round on.`),
    onError: (error) => complain('Nothing was changed', error.message),
    onSettled: () => queryClient.invalidateQueries({ queryKey: policyKeys.all }),
  });
}
