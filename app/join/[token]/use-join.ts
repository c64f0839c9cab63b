'use client';

import { useMutation } from '@tanstack/react-query';
import { z } from 'zod';
import type { JoinRequest } from '../../auth/join.schema';
import { send } from '../../http/send';

/** Uses the link up, then loads the app afresh as the person it made or signed in. */
export function useJoin(goTo: string) {
  return useMutation({
    mutationFn: (request: JoinRequest) => send('POST', '/api/join', z.unknown(), request),
    onSuccess: () => window.location.assign(goTo),
  });
}
