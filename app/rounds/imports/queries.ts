'use client';

import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import {
  type ImportDetail,
  type ImportItemsView,
  type ImportsView,
  importDetailSchema,
  importItemsViewSchema,
  importsViewSchema,
} from '../../api/imports/schema';
import { useEvents } from '../../events/use-events';
import { useReadAnew } from '../../events/use-read-anew';
import { send } from '../../http/send';
import { withParams } from '../../review/search-params';

const importKeys = {
  all: ['imports'] as const,
  list: ['imports', 'list'] as const,
  one: (id: string) => ['imports', 'one', id] as const,
  items: (id: string) => ['imports', 'items', id] as const,
};

/** Imports, newest first, a page at a time. */
export function useImports(initial: ImportsView) {
  return useInfiniteQuery({
    queryKey: importKeys.list,
    queryFn: ({ pageParam }) =>
      send('GET', withParams('/api/imports', { after: pageParam ?? undefined }), importsViewSchema),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
    initialData: { pages: [initial], pageParams: [null] },
    initialDataUpdatedAt: 0,
  });
}

/** One import. */
export function useImport(initialData: ImportDetail): ImportDetail {
  const { id } = initialData.import;
  const { data } = useQuery({
    queryKey: importKeys.one(id),
    queryFn: () => send('GET', `/api/imports/${id}`, importDetailSchema),
    initialData,
    initialDataUpdatedAt: 0,
  });
  return data;
}

/** Its pairs and groups, a page at a time. */
export function useImportItems(id: string, first: ImportItemsView) {
  return useInfiniteQuery({
    queryKey: importKeys.items(id),
    queryFn: ({ pageParam }) =>
      send(
        'GET',
        withParams(`/api/imports/${id}/items`, { after: pageParam ?? undefined }),
        importItemsViewSchema,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
    initialData: { pages: [first], pageParams: [null] },
    initialDataUpdatedAt: 0,
  });
}

/** Reads imports anew while answers come in. */
export function useLiveImports(): void {
  const readAnew = useReadAnew(importKeys.all);
  useEvents(['import'], readAnew, readAnew);
}
