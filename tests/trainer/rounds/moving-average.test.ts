/**
 * What a round ships where the moving average is on: the average, which training itself does not go
 * on from.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { getBlob } from '@/db/blobs/blobs';
import { getPolicy } from '@/db/policies/policies';
import { getRound } from '@/db/rounds/rounds';
import { startRun } from '@/db/rounds/runs';
import type { Round } from '@/db/schema/rounds';
import type { Method } from '@/lib/methods';
import type { TrainState } from '@/trainer/methods/optimizer/optimizer';
import { openPolicy } from '@/trainer/rounds/pipelines/resolve';
import { parsePolicy } from '@/trainer/rounds/train/policy-file';
import { openTraining } from '@/trainer/rounds/train/trainings';
import { Engine } from '@/trainer/runtime/engine';
import {
  baseOn,
  labelEverything,
  quickConfig,
  untilRound,
  withTinyPipeline,
  withWorker,
} from './support';

const pipeline = withTinyPipeline();
withWorker();
let engine: Engine;

beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu' });
});
afterAll(() => engine.close());

const config = {
  ...quickConfig,
  sampling: { inferenceSteps: 3, batchImages: 2, pairsPerRound: 4 },
  training: { ...quickConfig.training, emaDecay: 0.9999 },
  evaluation: { images: 2 },
  rewards: [{ model: 'brightness' }],
  reward: { optimiserSteps: 4, imagesPerStep: 2 },
  ddpo: { updatesPerDraw: 2, clipRange: 0.1, buffer: 6, minimum: 2 },
  'diffusion-dpo': { optimiserSteps: 4, pairsPerStep: 2, beta: 500 },
};

async function finish(method: Method, startPolicyId: string): Promise<Round> {
  const { round } = await startRun({
    name: method,
    mode: 'single',
    method,
    pipeline: pipeline.folder,
    config,
    startPolicyId,
    createdBy: null,
  });
  if (method === 'd3po') {
    await untilRound(round.id, ({ state }) => state === 'labeling');
    await labelEverything();
  }
  return untilRound(round.id, ({ state }) => state === 'done');
}

async function shippedBy(roundId: string) {
  const policy = await getPolicy((await getRound(roundId)).resultPolicyId!);
  return parsePolicy(await getBlob(policy.adapterBlob!), policy.name).tensors;
}

/** The same training once more, by hand. */
async function trainAgain(round: Round, method: Method): Promise<[TrainState, TrainState]> {
  const start = await openPolicy(round.startPolicyId);
  const training = await openTraining({ engine, round, start, method });
  await training.load(training.initial);
  for (let step = 0; step < training.steps; step++) await training.step(step);
  const state = await training.state();
  await training.close();
  return [training.initial, state];
}

const values = (tensors: TrainState['tensors']) =>
  new Map([...tensors].map(([name, { data }]) => [name, [...data]]));

// What is picked for D3PO is the archive that Diffusion-DPO learns from.
it.each(['d3po', 'diffusion-dpo', 'draft', 'ddpo'] as const)(
  'ships the average of %s, and the next round goes on from it',
  { timeout: 300_000 },
  async (method) => {
    const base = await baseOn(pipeline.folder);
    const first = await finish(method, base.id);
    const shipped = values(await shippedBy(first.id));
    const [, { tensors, averages, step }] = await trainAgain(first, method);
    expect(step).toBe(4);
    expect(shipped).toEqual(values(averages!));
    expect(shipped).not.toEqual(values(tensors));

    const second = await finish(method, first.resultPolicyId!);
    const [initial, after] = await trainAgain(second, method);
    expect(values(initial.tensors)).toEqual(shipped);
    expect(values(await shippedBy(second.id))).toEqual(values(after.averages!));
  },
);
