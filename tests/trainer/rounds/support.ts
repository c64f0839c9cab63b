/** A tiny pipeline, a data folder and the trainer's own process, as `npm start` runs it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import { afterAll, beforeAll } from 'vitest';
import { closeDatabases, db, schema } from '@/db/client';
import { submitPreference } from '@/db/labeling/preferences';
import { leasePairs } from '@/db/leases/pair-leases';
import { migrateDatabase } from '@/db/migrate';
import { ensureBasePolicy, type Policy } from '@/db/policies/policies';
import { getRound } from '@/db/rounds/rounds';
import { startRun } from '@/db/rounds/runs';
import { samplesById } from '@/db/rounds/samples';
import type { Round } from '@/db/schema/rounds';
import { isFinished } from '@/lib/rounds';
import type { RunConfigInput } from '@/lib/settings/run-config';
import { pipelineHash } from '@/trainer/diffusion/pipelines/hash';
import { Worker } from '@/trainer/rounds/worker/worker';
import { createUser } from '../../support/people';
import { writeTinyPipeline } from '../../support/tiny-pipeline';

const root = fileURLToPath(new URL('../../..', import.meta.url));
export const annotatorId = 'annotator';

/** A pipeline in a folder of its own for the tests of a file. */
export function withTinyPipeline(): { readonly folder: string } {
  const made = { folder: '' };
  beforeAll(async () => {
    made.folder = await mkdtemp(join(tmpdir(), 'darkroom-pipeline-'));
    await writeTinyPipeline(made.folder);
  });
  afterAll(() => rm(made.folder, { recursive: true }));
  return made;
}

/** A data folder, and a worker in this process that serves it through the tests of a file. */
export function withWorker(): void {
  const homes = withHomes();
  const worker = new Worker({ device: 'cpu', adapter: undefined }, pino({ level: 'silent' }));
  let working: Promise<void>;
  beforeAll(async () => {
    await homes.make();
    working = worker.run();
  });
  afterAll(async () => {
    worker.stop();
    await working;
  });
}

/** Data folders for the tests of a file; `use` decides which one this process reads. */
export function withHomes() {
  const homes: string[] = [];
  const before = process.env.DARKROOM_HOME;
  const use = (home: string) => {
    closeDatabases();
    process.env.DARKROOM_HOME = home;
  };
  afterAll(async () => {
    await Promise.all(trainers.splice(0).map((trainer) => trainer.end('SIGKILL')));
    closeDatabases();
    await Promise.all(homes.splice(0).map((home) => rm(home, { recursive: true, force: true })));
    if (before === undefined) delete process.env.DARKROOM_HOME;
    else process.env.DARKROOM_HOME = before;
  });
  return {
    use,
    async make(): Promise<string> {
      const home = await mkdtemp(join(tmpdir(), 'darkroom-home-'));
      homes.push(home);
      use(home);
      await migrateDatabase();
      await createUser({ id: annotatorId, name: 'A', email: 'a@example.org', role: 'annotator' });
      return home;
    },
    /** The same data in another folder. */
    async copy(home: string): Promise<string> {
      closeDatabases();
      const twin = await mkdtemp(join(tmpdir(), 'darkroom-home-'));
      homes.push(twin);
      await cp(home, twin, { recursive: true });
      return twin;
    },
  };
}

export const quickConfig = {
  prompts: ['1 hand', '1 hand, dark skin', '1 hand, red sleeve'],
  evaluationPrompts: ['1 hand, blue background', '1 hand, tilted left'],
  seed: 7,
  sampling: { inferenceSteps: 5, batchImages: 2, pairsPerRound: 6 },
  labeling: { undoWindowSeconds: 0 },
  training: { learningRate: 1e-3, checkpointSeconds: 0 },
  evaluation: { images: 8 },
} satisfies RunConfigInput;

/** The base policy of the pipeline in this folder. */
export async function baseOn(folder: string): Promise<Policy> {
  return ensureBasePolicy({ pipeline: folder, name: 'tiny', hash: await pipelineHash(folder) });
}

/** A run from this policy. */
export async function startRunFrom(
  policy: Policy,
  config: RunConfigInput = quickConfig,
): Promise<Round> {
  const { round } = await startRun({
    name: 'Test',
    mode: 'single',
    method: 'd3po',
    pipeline: policy.pipeline,
    config,
    startPolicyId: policy.id,
    createdBy: null,
  });
  return round;
}

export interface Trainer {
  process: ChildProcess;
  output(): string;
  ended: Promise<NodeJS.Signals | number | null>;
  end(signal: NodeJS.Signals): Promise<NodeJS.Signals | number | null>;
}

const trainers: Trainer[] = [];

/**
 * Starts the trainer on the data folder in use. What runs when a file's tests are over is ended.
 */
export function startTrainer(): Trainer {
  const child = spawn(process.execPath, ['--import', 'tsx', 'trainer/rounds/main.ts'], {
    cwd: root,
    env: { ...process.env, DARKROOM_DEVICE: 'cpu' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const ended = new Promise<NodeJS.Signals | number | null>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? code));
  });
  const trainer = {
    process: child,
    output: () => output,
    ended,
    end(signal: NodeJS.Signals) {
      child.kill(signal);
      return ended;
    },
  };
  trainers.push(trainer);
  return trainer;
}

/**
 * Waits until the round is as wanted; throws when it, or the trainer, has ended otherwise.
 * @param everyMs how often it looks: each look is work, and whoever means to catch a moment looks
 * often
 */
export async function untilRound(
  id: string,
  wanted: (round: Round) => boolean,
  trainer?: Trainer,
  everyMs = 30,
): Promise<Round> {
  for (;;) {
    const round = await getRound(id);
    if (wanted(round)) return round;
    if (isFinished(round.state)) {
      throw new Error(`The round is ${round.state} already: ${round.error ?? 'no error'}`);
    }
    const exitCode = trainer?.process.exitCode;
    if (typeof exitCode === 'number') {
      throw new Error(`The trainer ended (${exitCode}): ${trainer?.output()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/**
 * Picks, of every open pair, the image of the lower noise seed, at an instant that does not vary.
 */
export async function labelEverything(): Promise<number> {
  for (let picked = 0; ; picked++) {
    const leased = await leasePairs({ annotatorId, count: 1 });
    if (leased.state !== 'pairs') return picked;
    const pair = leased.pairs[0]!;
    const [left, right] = await samplesById([pair.left.sampleId, pair.right.sampleId]);
    await submitPreference({
      id: `preference ${pair.pairId}`,
      leaseId: pair.leaseId,
      annotatorId,
      answer: left!.noiseSeed < right!.noiseSeed ? 'left' : 'right',
      shownAtMs: Date.now(),
      decidedAtMs: Date.now() + 1,
      guidelinesVersion: null,
    });
  }
}

/** Everything a round leaves that must not depend on when, or how often, the trainer was killed. */
export async function traceOf(roundId: string) {
  const round = await getRound(roundId);
  const policies = db().select().from(schema.policies).all();
  const samples = db().select().from(schema.samples).orderBy(schema.samples.id).all();
  const pairs = db().select().from(schema.pairs).orderBy(schema.pairs.id).all();
  const trainingPairs = db().select().from(schema.trainingPairs).all();
  const steps = db().select().from(schema.trainSteps).orderBy(schema.trainSteps.id).all();
  const evaluations = db().select().from(schema.evaluations).orderBy(schema.evaluations.id).all();
  const timeless = <T extends { createdAt: number }>({ createdAt: _, ...rest }: T) => rest;
  return {
    state: round.state,
    progress: round.progress,
    manifest: { ...round.manifest, trainingData: null },
    policies: policies.map(timeless),
    samples: samples.map(timeless),
    pairs: pairs.map(timeless),
    trainingPairs,
    evaluations: evaluations.map(timeless),
    steps: steps.map(({ step, timestep, metrics }) => {
      const { stepsPerSecond: _s, rssMb: _r, ...same } = metrics;
      return { step, timestep, ...same };
    }),
  };
}
