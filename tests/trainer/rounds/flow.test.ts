/** Rounds on a flow: its timesteps lie between whole ones, from drawing to the curves of a page. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { loadSteps } from '@/app/reads/rounds/load-steps';
import { getBlob } from '@/db/blobs/blobs';
import { startRun } from '@/db/rounds/runs';
import { listSamples } from '@/db/rounds/samples';
import type { Method } from '@/lib/methods';
import type { RunConfigInput } from '@/lib/settings/run-config';
import { parseTrajectory } from '@/trainer/diffusion/sampling/trajectory';
import {
  baseOn,
  labelEverything,
  quickConfig,
  untilRound,
  withTinyPipeline,
  withWorker,
} from './support';

const pipeline = withTinyPipeline();
beforeAll(async () => {
  const flow = { _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 3 };
  const file = join(pipeline.folder, 'scheduler/scheduler_config.json');
  await writeFile(file, JSON.stringify(flow));
});
withWorker();

const config = {
  ...quickConfig,
  sampling: { inferenceSteps: 3, batchImages: 2, pairsPerRound: 2, eta: 0.7 },
  evaluation: { images: 2 },
  reward: { optimiserSteps: 2, imagesPerStep: 2 },
  kto: { optimiserSteps: 2, imagesPerStep: 2 },
  'diffusion-dpo': { optimiserSteps: 2, pairsPerStep: 2 },
  ddpo: { updatesPerDraw: 1 },
  spo: { updatesPerDraw: 1, startStep: 0, threshold: 0 },
} satisfies RunConfigInput;

async function roundOf(method: Method) {
  const { id } = await baseOn(pipeline.folder);
  const { round } = await startRun({
    name: method,
    mode: 'single',
    method,
    pipeline: pipeline.folder,
    config,
    startPolicyId: id,
    createdBy: null,
  });
  return round;
}

it('draws with noise, learns from picks, and shows curves over its timesteps', async () => {
  const round = await roundOf('d3po');
  await untilRound(round.id, ({ state }) => state === 'labeling');
  const [sample] = await listSamples({ roundId: round.id, purpose: 'training' });
  const trajectory = parseTrajectory(await getBlob(sample!.trajectoryBlob!), 'a trajectory');
  expect(trajectory.timesteps).toEqual([1000, expect.closeTo(751.12, 1), expect.closeTo(8.93, 1)]);
  expect([...trajectory.logProbabilities].every(Number.isFinite)).toBe(true);
  await labelEverything();
  await untilRound(round.id, ({ state }) => state === 'done');
  const { byTimestep } = await loadSteps(round.id);
  expect(byTimestep.map(({ timestep }) => timestep)).toEqual([1000, 751, 9]);
});

it.each(['diffusion-dpo', 'refl', 'ddpo', 'spo'] as const)(
  'trains %s to the end',
  async (method) => {
    const round = await roundOf(method);
    await untilRound(round.id, ({ state }) => state === 'done');
    const { byTimestep } = await loadSteps(round.id);
    expect(byTimestep.every(({ timestep }) => Number.isInteger(timestep))).toBe(true);
  },
);
