'use client';

import { useMutation } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useToast } from '../components/ui/toast';

/** A change to people: shows the page anew when it is done, and says why when it is refused. */
export function useChange<Input, Output>(
  change: (input: Input) => Promise<Output>,
  onDone?: (output: Output) => void,
) {
  const router = useRouter();
  const { complain } = useToast();
  return useMutation({
    mutationFn: change,
    onSuccess: (output) => {
      router.refresh();
      onDone?.(output);
    },
    onError: (error) => complain('Nothing was changed', error.message),
  });
}
