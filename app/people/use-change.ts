'use client';

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useToast } from '../components/ui/toast';
import { peopleKeys } from './queries';

/** A change to people: shows the page anew when it is done, and says why when it is refused. */
export function useChange<Input, Output>(
  change: (input: Input) => Promise<Output>,
  onDone?: (output: Output) => void,
) {
  const router = useRouter();
  const queryClient = useQueryClient();
  const { complain } = useToast();
  return useMutation({
    mutationFn: change,
    onSuccess: (output) => {
      router.refresh();
      void queryClient.invalidateQueries({ queryKey: peopleKeys.all });
      onDone?.(output);
    },
    onError: (error) => complain('Nothing was changed', error.message),
  });
}
