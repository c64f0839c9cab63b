/** @file The loop that all stages share: resume, step, report, average, checkpoint, show. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor } from '@/trainer/graph/tensor';
import { createRandom, type Random } from '@/trainer/random';
import type { Feeds } from '@/trainer/runtime/engine';
import { loadCheckpoint, saveCheckpoint } from './checkpoint';
import { initialWeights } from './initial';
import { averageDecay, learningRateFactor } from './schedule';
import type { Training } from './training';

export interface StageSettings {
  steps: number;
  batch: number;
  learningRate: number;
  warmUpSteps: number;
  /** Steps at the end over which the learning rate falls. */
  decaySteps: number;
  /** Longest memory of the running average, as a share kept per step. */
  averageDecay: number;
  seed: number;
}

export interface Stage {
  name: string;
  folder: string;
  settings: StageSettings;
  training: Training;
  /** Weights to start from; made anew where left out. */
  start?: ReadonlyMap<string, Tensor>;
  /** The batch of a step; only `random`, seeded by the step, may choose it. */
  batch(random: Random): Feeds;
  /** Seconds between checkpoints. */
  checkpointSeconds?: number;
  /** Shows how far it has come, for example as a contact sheet. */
  show(step: number): Promise<void>;
}

const REPORT_STEPS = 50;
const AVERAGE_STEPS = 5;
const SHOW_SECONDS = 600;

/** Trains a stage to its last step, from its checkpoint where there is one. */
export async function runStage(stage: Stage): Promise<void> {
  const { name, folder, settings, training, checkpointSeconds = 90 } = stage;
  const path = join(folder, `${name}.safetensors`);
  const checkpoint = await loadCheckpoint(path);
  if (checkpoint) await training.restore(checkpoint.state);
  else {
    const random = createRandom(settings.seed);
    await training.start(stage.start ?? initialWeights(random, training.parameters));
  }
  const first = (checkpoint?.step ?? 0) + 1;
  const weights = training.parameters.reduce(
    (total, { dims }) => total + dims.reduce((size, dim) => size * dim, 1),
    0,
  );
  log(folder, `${name}: ${weights} weights, steps ${first} to ${settings.steps}`);

  let sums: Record<string, number> = {};
  let count = 0;
  let reportedAt = performance.now();
  let savedAt = performance.now();
  let shownAt = performance.now();
  for (let step = first; step <= settings.steps; step++) {
    const feeds = stage.batch(createRandom(settings.seed * 1_000_000_007 + step));
    const rate = settings.learningRate * learningRateFactor(step, settings);
    const report = await training.step(feeds, rate, step);
    if (step % AVERAGE_STEPS === 0) {
      await training.average(averageDecay(step, settings.averageDecay) ** AVERAGE_STEPS);
    }
    count++;
    const numbers = { loss: report.loss, norm: report.gradientNorm, ...report.metrics };
    for (const [key, value] of Object.entries(numbers)) sums[key] = (sums[key] ?? 0) + value;

    const now = performance.now();
    const last = step === settings.steps;
    if (step % REPORT_STEPS === 0 || last) {
      const seconds = (now - reportedAt) / 1000;
      const means = Object.entries(sums).map(
        ([key, sum]) => `${key} ${(sum / count).toPrecision(4)}`,
      );
      const minutesLeft = ((settings.steps - step) * seconds) / count / 60;
      log(
        folder,
        `${name} ${step}/${settings.steps}  ${means.join('  ')}  rate ${rate.toExponential(2)}  ` +
          `${((count * settings.batch) / seconds).toFixed(1)} images/s  ${minutesLeft.toFixed(0)} min left`,
      );
      sums = {};
      count = 0;
      reportedAt = now;
    }
    if (last || now - savedAt > checkpointSeconds * 1000) {
      saveCheckpoint(path, { step, state: await training.state() });
      savedAt = performance.now();
    }
    if (last || now - shownAt > SHOW_SECONDS * 1000) {
      await stage.show(step);
      shownAt = performance.now();
    }
  }
}

/** Says a line to the screen and to the folder's log. */
export function log(folder: string, line: string): void {
  const stamped = `${new Date().toISOString().slice(0, 19)} ${line}`;
  console.log(stamped);
  appendFileSync(join(folder, 'log.txt'), `${stamped}\n`);
}
