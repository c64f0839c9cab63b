'use client';

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { z } from 'zod';
import type { RoundAction } from '../api/rounds/schema';
import type { RunAction } from '../api/runs/schema';
import { useToast } from '../components/ui/toast';
import { send } from '../http/send';
import { roundKeys } from './queries';

type Deed = { round: string; action: RoundAction } | { run: string; action: RunAction };

/** Does something to a round or a run, then reads everything anew; says why when it is refused. */
export function useRoundAction() {
  const queryClient = useQueryClient();
  const { complain } = useToast();
  return useMutation({
    mutationFn: (deed: Deed) => send('POST', pathOf(deed), z.unknown()),
    onError: (error) => complain('Nothing was changed', error.message),
    onSettled: () => queryClient.invalidateQueries({ queryKey: roundKeys.all }),
  });
}

function pathOf(deed: Deed): string {
  return 'round' in deed
    ? `/api/rounds/${deed.round}/${deed.action}`
    : `/api/runs/${deed.run}/${deed.action}`;
}
