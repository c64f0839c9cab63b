'use client';

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { z } from 'zod';
import type { RoundAction } from '../api/rounds/schema';
import type { RunAction } from '../api/runs/schema';
import { useToast } from '../components/ui/toast';
import { send } from '../http/send';
import { roundKeys } from './queries';

type RoundRequest = { round: string; action: RoundAction } | { run: string; action: RunAction };

/** Does something to a round or a run, then reads everything anew; says why when it is refused. */
export function useRoundAction() {
  const queryClient = useQueryClient();
  const { complain } = useToast();
  return useMutation({
    mutationFn: (request: RoundRequest) => send('POST', pathOf(request), z.unknown()),
    onError: (error) => complain('Nothing was changed', error.message),
    onSettled: () => queryClient.invalidateQueries({ queryKey: roundKeys.all }),
  });
}

function pathOf(request: RoundRequest): string {
  return 'round' in request
    ? `/api/rounds/${request.round}/${request.action}`
    : `/api/runs/${request.run}/${request.action}`;
}
