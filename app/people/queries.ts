'use client';

import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { type PeopleView, peopleViewSchema } from '../api/people/schema';
import { send } from '../http/send';
import { withParams } from '../review/search-params';

export const peopleKeys = {
  all: ['people'] as const,
  found: (search: string) => ['people', search] as const,
};

/** People page by page. @param first what the server found without a search */
export function usePeople(search: string, first: PeopleView) {
  const found = search.trim();
  const more = useInfiniteQuery({
    queryKey: peopleKeys.found(found),
    queryFn: ({ pageParam }) =>
      send(
        'GET',
        withParams('/api/people', { search: found || undefined, after: pageParam ?? undefined }),
        peopleViewSchema,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
    ...(found === '' && {
      initialData: { pages: [first], pageParams: [null] },
      initialDataUpdatedAt: 0,
    }),
    placeholderData: keepPreviousData,
  });
  const pages = more.data?.pages ?? [first];
  return { ...(pages[0] ?? first), people: pages.flatMap(({ people }) => people), more };
}
