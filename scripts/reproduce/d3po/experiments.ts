/**
 * @file The experiments themselves: each trained round by round from where it was left, then
 * reported together.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { wilsonInterval } from '@/lib/statistics/proportion';
import { Judge } from '@/trainer/hands/judge/judge';
import { writeAtomically } from '@/trainer/hands/pretrain/checkpoint';
import type { Experiment } from '../experiment/catalogue';
import { type Measured, measure } from '../experiment/measure';
import { plot, type Report, writeReport } from '../experiment/report';
import { describe, type ExperimentResult, runExperiment } from '../experiment/run';
import { openStudent } from '../experiment/student';
import { experimentsOf } from './flow';
import { inEngine, loadProgress, progressFolder, publish, type Suite, saveProgress } from './suite';

/** @returns whether all is as it should be: the quick version must show an improvement */
export async function runExperiments(suite: Suite): Promise<boolean> {
  const { pipeline, names, seed, quick, flow } = suite;
  const all = experimentsOf(suite);
  const evaluationImages = quick ? 200 : 1000;
  const base = await measuredBase(suite, evaluationImages);
  console.log(`base: ${describe(base)}`);
  const results: ExperimentResult[] = [];
  for (const name of names) {
    const folder = progressFolder(suite, name);
    const resume = await loadProgress(folder);
    const result = await inEngine(suite, (engine) =>
      runExperiment(engine, pipeline, name, sized(all[name], quick), {
        base,
        interimImages: quick ? evaluationImages : 300,
        seed,
        log: (line) => console.log(`${name}: ${line}`),
        resume,
        save: (progress) => saveProgress(folder, progress),
      }),
    );
    results.push(result);
  }
  const report: Report = {
    quick,
    flow,
    machine: `${cpus().length} cores of ${cpus()[0]?.model.trim()}`,
    writtenAt: new Date().toISOString(),
    evaluationImages,
    results,
  };
  const file = quick ? 'reproduce-quick' : 'reproduce';
  await publish(suite, `${file}.json`, `${JSON.stringify(report)}\n`);
  for (const result of results) await publish(suite, `${result.name}.svg`, plot(result));
  console.log(`Report: ${await publish(suite, `${file}.md`, writeReport(report, all))}`);
  return !quick || improved(results);
}

function sized(experiment: Experiment, quick: boolean): Experiment {
  if (!quick) return experiment;
  return { ...experiment, rounds: 1, perRound: Math.ceil(0.75 * experiment.perRound) };
}

/**
 * The base policy on the evaluation images: the same for all experiments, so it is measured once.
 */
async function measuredBase(suite: Suite, images: number): Promise<Measured> {
  const path = join(suite.work, `base-${images}.json`);
  if (existsSync(path)) return JSON.parse(await readFile(path, 'utf8')) as Measured;
  return inEngine(suite, async (engine) => {
    const student = openStudent(engine, suite.pipeline, experimentsOf(suite).hands.training);
    const judge = await Judge.open(engine, 'a');
    const measured = await measure(student, judge, undefined, images);
    await mkdir(suite.work, { recursive: true });
    writeAtomically(path, Buffer.from(JSON.stringify(measured)));
    return measured;
  });
}

/** The quick run must show that the rate fell by more than chance: the intervals do not meet. */
function improved(all: readonly ExperimentResult[]): boolean {
  return all.every(({ name, base, rounds }) => {
    const last = rounds.at(-1)?.measured;
    const count = name === 'blood' ? 'blood' : 'deformed';
    const before = wilsonInterval({ count: base[count], n: base.images });
    const after = last && wilsonInterval({ count: last[count], n: last.images });
    const fell = Boolean(before && after && after.high < before.low);
    if (!fell) console.error(`${name}: no significant improvement.`);
    return fell;
  });
}
