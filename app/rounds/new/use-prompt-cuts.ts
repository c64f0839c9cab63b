'use client';

import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { promptCutText } from '@/lib/text/prompt-cuts';
import { checkedPromptsSchema } from '../../api/runs/schema';
import { send } from '../../http/send';
import { linesOf } from './run-draft';

/** After so long without a key somebody has stopped typing. */
const pauseMs = 500;

/**
 * Which of the prompts in a text are longer than the pipeline takes, as a sentence; null where none
 * is, or nobody knows.
 */
export function usePromptCuts(pipeline: string, text: string): string | null {
  const settled = usePause(text);
  const { data } = useQuery({
    queryKey: ['prompt-cuts', pipeline, settled],
    queryFn: () =>
      send('POST', '/api/runs/prompts', checkedPromptsSchema, {
        pipeline,
        prompts: linesOf(settled),
      }),
    enabled: settled.trim() !== '',
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  if (!data || settled.trim() === '') return null;
  return promptCutText(data, linesOf(settled).length);
}

function usePause(text: string): string {
  const [settled, settle] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => settle(text), pauseMs);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
