'use client';

import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';

/** Events come in bursts; what they touch is read anew once per burst. */
const gatherMs = 800;

/**
 * Returns what reads all queries under a key anew, a moment later and once for all who ask
 * meanwhile. It waits for what is being read: that may be older than the event, and a page that
 * somebody has just asked for would be dropped.
 */
export function useReadAnew(queryKey: readonly string[]): () => void {
  const queryClient = useQueryClient();
  const pending = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(
    () => () => {
      clearTimeout(pending.current);
      // Where effects run twice, as in development, the next one must not wait for a timer that is
      // gone.
      pending.current = undefined;
    },
    [],
  );
  const look = () => {
    pending.current = undefined;
    if (queryClient.isFetching({ queryKey }) > 0) pending.current = setTimeout(look, gatherMs);
    else void queryClient.invalidateQueries({ queryKey });
  };
  return () => {
    pending.current ??= setTimeout(look, gatherMs);
  };
}
