import { expect, it } from 'vitest';
import { showFrame } from '@/app/reads/images/show';
import { rewardsIn } from '@/app/reads/rounds/summaries';
import type { Evaluation } from '@/db/rounds/metrics';
import type { Sample } from '@/db/schema/labels';

const evaluation = (policyId: string, roundId: string | null, reward: number): Evaluation => ({
  id: `${policyId} ${roundId}`,
  policyId,
  roundId,
  comparedToPolicyId: null,
  drawing: null,
  createdAt: 0,
  summary: {
    images: 1,
    defects: {},
    alignment: null,
    winRate: null,
    diversity: null,
    rewards: { s: reward },
  },
});

const evaluations = [evaluation('p', 'later', 2), evaluation('p', 'own', 1)];

it('gives a frame the rewards of the round that is shown, and of no other', () => {
  const sample = { id: 's', imageBlob: 'blob', width: 8, height: 8, verdict: null } as Sample;
  const unknown = { ...sample, id: 'other' };
  const frame = { prompt: 'p', seed: 1, samples: [sample, unknown, null] };
  const rewardsFor = (roundId: string) =>
    showFrame(frame, null, rewardsIn(evaluations, 'p', roundId)).images.map(
      (image) => image?.reward,
    );
  expect(rewardsFor('own')).toEqual([1, undefined, undefined]);
  expect(rewardsFor('later')).toEqual([2, undefined, undefined]);
  expect(rewardsFor('elsewhere')).toEqual([undefined, undefined, undefined]);
});
