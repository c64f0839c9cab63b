'use client';

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { z } from 'zod';
import type { LearnedSource } from '@/lib/rewards';
import {
  type RewardsView,
  rewardsViewSchema,
  trainedRewardSchema,
} from '../api/reward-models/schema';
import { useToast } from '../components/ui/toast';
import { useEvents } from '../events/use-events';
import { useReadAnew } from '../events/use-read-anew';
import { send } from '../http/send';

const rewardKeys = {
  all: ['reward-models'] as const,
  of: (pipeline: string) => ['reward-models', pipeline] as const,
};

/** The reward models of a pipeline, read anew when one changes. */
export function useRewardModels(initialData: RewardsView): RewardsView {
  const pipeline = initialData.pipeline ?? '';
  const readAnew = useReadAnew(rewardKeys.all);
  useEvents(['reward-model'], readAnew, readAnew);
  const { data } = useQuery({
    queryKey: rewardKeys.of(pipeline),
    queryFn: () =>
      send('GET', `/api/reward-models?pipeline=${encodeURIComponent(pipeline)}`, rewardsViewSchema),
    initialData,
    initialDataUpdatedAt: 0,
  });
  return data;
}

/** Asks for a new version. */
export function useTrainReward(pipeline: string) {
  const queryClient = useQueryClient();
  const { complain } = useToast();
  return useMutation({
    mutationFn: (source: LearnedSource) =>
      send('POST', '/api/reward-models', trainedRewardSchema, { pipeline, source }),
    onError: (error) => complain('Nothing is trained', error.message),
    onSettled: () => queryClient.invalidateQueries({ queryKey: rewardKeys.all }),
  });
}

/** Asks for a model in a folder of the trainer's machine. */
export function useImportReward(pipeline: string) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (folder: string) =>
      send('POST', '/api/reward-models/import', trainedRewardSchema, { pipeline, folder }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: rewardKeys.all }),
  });
}

/** Stops a model that waits or is in the making. */
export function useCancelReward() {
  const queryClient = useQueryClient();
  const { complain } = useToast();
  return useMutation({
    mutationFn: (id: string) => send('POST', `/api/reward-models/${id}/cancel`, z.unknown()),
    onError: (error) => complain('Nothing is cancelled', error.message),
    onSettled: () => queryClient.invalidateQueries({ queryKey: rewardKeys.all }),
  });
}
