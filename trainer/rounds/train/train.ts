/** @file The work of training: steps with metrics and checkpoints, then the new policy. */
import { createRequire } from 'node:module';
import { putBlob } from '@/db/blobs/blobs';
import { sha256 } from '@/db/blobs/store';
import { derivedId } from '@/db/ids';
import { createPolicy } from '@/db/policies/policies';
import { type NewTrainStep, recordTrainSteps } from '@/db/rounds/metrics';
import { updateProgress } from '@/db/rounds/rounds';
import { finishTraining } from '@/db/work/results';
import { moduleNamingOf } from '@/lib/exchange/module-names';
import { families } from '@/lib/families';
import { sizeAsked } from '@/lib/settings/image-sizes';
import { producedTensors } from '@/trainer/methods/optimizer/optimizer';
import type { Engine } from '@/trainer/runtime/engine';
import { openPolicy, type PolicyModel } from '../pipelines/resolve';
import type { Assignment } from '../worker/assignment';
import { Eta } from '../worker/eta';
import { dropCheckpoint, readCheckpoint, writeCheckpoint } from './checkpoint';
import { serializePolicy } from './policy-file';
import type { Training } from './training';
import { openTraining } from './trainings';

/** Metrics reach the pages at least this often, and the disk no more often. */
const metricsMs = 1000;

/** Trains a round from its last checkpoint on, and hands the new policy to evaluation. */
export async function trainRound(assignment: Assignment, engine: Engine): Promise<void> {
  const { round, run } = assignment;
  const start = await openPolicy(round.startPolicyId, sizeAsked(round.config.sampling));
  const training = await openTraining({ engine, round, start, method: run.method });
  const checkpoint = await readCheckpoint(assignment.cursor);
  await training.load(checkpoint?.state ?? training.initial);
  await takeSteps(assignment, engine, training, checkpoint?.step ?? 0);
  await finish(assignment, engine, training, start);
  await dropCheckpoint(assignment.cursor);
}

async function takeSteps(
  assignment: Assignment,
  engine: Engine,
  training: Training,
  from: number,
): Promise<void> {
  const { round, signal } = assignment;
  const checkpointMs = round.config.training.checkpointSeconds * 1000;
  const eta = new Eta(training.steps - from);
  let metrics: NewTrainStep[] = [];
  let [metricsAt, checkpointAt] = [performance.now(), performance.now()];
  const flush = async () => {
    await recordTrainSteps(round.id, metrics);
    metrics = [];
    metricsAt = performance.now();
  };
  const progress = (done: number) => ({
    trainedSteps: done,
    trainSteps: training.steps,
    etaSeconds: eta.after(0),
  });
  const save = async (done: number) => {
    // Metrics first: a checkpoint promises those of every step before it.
    await flush();
    const former = assignment.cursor;
    const checkpoint = await writeCheckpoint(round.id, done, await training.state());
    await assignment.checkpoint(checkpoint, progress(done));
    await dropCheckpoint(former);
    checkpointAt = performance.now();
  };
  await updateProgress(round.id, progress(from));
  for (let step = from; step < training.steps; step++) {
    const startedAt = performance.now();
    const { mean, timesteps } = await training.step(step);
    const now = performance.now();
    const measured = {
      ...mean,
      stepsPerSecond: 1000 / (now - startedAt),
      rssMb: (process.memoryUsage.rss() + engine.memory.rssBytes) / 2 ** 20,
    };
    metrics.push({ step, timestep: null, metrics: measured });
    // Curves count in whole timesteps; those of a flow lie between.
    for (const { timestep, metrics: own } of timesteps)
      metrics.push({ step, timestep: Math.round(timestep), metrics: own });
    eta.after(1);
    if (now - checkpointAt >= checkpointMs || assignment.haltedBecause === 'paused') {
      await save(step + 1);
    } else if (now - metricsAt >= metricsMs) {
      await flush();
      await updateProgress(round.id, progress(step + 1));
    }
    signal.throwIfAborted();
  }
  await save(training.steps);
  const mean = await training.after?.();
  if (mean) {
    await recordTrainSteps(round.id, [{ step: training.steps, timestep: null, metrics: mean }]);
  }
}

async function finish(
  assignment: Assignment,
  engine: Engine,
  training: Training,
  start: PolicyModel,
): Promise<void> {
  const { round, run } = assignment;
  const tensors = producedTensors(await training.state());
  await training.close();
  const { kind, dataHash } = training;
  const { pipelineHash } = start;
  const bytes = serializePolicy({ kind, pipelineHash, tensors });
  const adapterBlob = await putBlob(bytes);
  const manifest = {
    method: run.method,
    startPolicyHash: start.policy.hash,
    pipelineHash,
    dataHash,
    seed: round.config.seed,
    ordinal: round.ordinal,
    steps: training.steps,
    versions: versions(),
    device: engine.device,
  };
  const { width, height } = start.policy.manifest;
  const policy = await createPolicy({
    id: derivedId(round.id, 'policy'),
    name: `${run.name} ${round.ordinal}`,
    parentId: round.startPolicyId,
    pipeline: run.pipeline,
    adapterBlob,
    hash: sha256(new TextEncoder().encode(JSON.stringify([pipelineHash, adapterBlob]))),
    manifest: {
      width,
      height,
      modules: moduleNamingOf(tensors.keys(), families[start.pipeline.family].modules),
      training: manifest,
      config: round.config,
    },
    roundId: round.id,
  });
  const reproduces = { ...manifest, policyHash: policy.hash };
  await assignment.complete((claim) =>
    finishTraining({ ...claim, resultPolicyId: policy.id, manifest: { training: reproduces } }),
  );
}

function versions(): Record<string, string> {
  const versionOf = (file: string): string => createRequire(import.meta.url)(file).version;
  return {
    darkroom: versionOf('../../../package.json'),
    node: process.version,
    onnxruntime: versionOf('onnxruntime-node/package.json'),
  };
}
