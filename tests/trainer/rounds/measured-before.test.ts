import { expect, it } from 'vitest';
import { ensureBasePolicy } from '@/db/policies/policies';
import { measurementsOf } from '@/db/rounds/measurements';
import { startRun } from '@/db/rounds/runs';
import { pipelineHash } from '@/trainer/diffusion/pipelines/hash';
import { handsFolder } from '@/trainer/rounds/pipelines/resolve';
import { quickConfig, untilRound, withWorker } from './support';

withWorker();

it('holds a policy against the one before it as both were drawn in the round', async () => {
  const hash = await pipelineHash(handsFolder);
  const base = await ensureBasePolicy({ pipeline: 'hands', name: 'hands', hash });
  const play = async (eta: number) => {
    const { round } = await startRun({
      name: `eta ${eta}`,
      mode: 'single',
      method: 'draft',
      pipeline: 'hands',
      startPolicyId: base.id,
      createdBy: null,
      config: {
        ...quickConfig,
        evaluationPrompts: ['1 hand, blue background'],
        sampling: { inferenceSteps: 3, batchImages: 2, guidanceScale: 2, eta },
        rewards: [{ model: 'brightness' }],
        reward: { optimiserSteps: 1, imagesPerStep: 1 },
        evaluation: { images: 2 },
      },
    });
    await untilRound(round.id, ({ state }) => state === 'done');
    return round.id;
  };
  const before = async (roundId: string) =>
    (await measurementsOf([{ policyId: base.id, roundId }]))[0]?.summary;
  const first = await play(0);
  const quiet = await before(first);
  const second = await play(1);
  const noisy = await before(second);
  expect(noisy?.diversity).not.toBe(quiet?.diversity);
  // What the first round showed stays what it was.
  expect(await before(first)).toEqual(quiet);
});
