/** @file The suite `d3po`: the paper's experiments, and what explains them. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { wilsonInterval } from '@/lib/statistics/proportion';
import { commandLine, refuse, whole } from '@/scripts/command-line';
import type { Adapter } from '@/trainer/diffusion/lora';
import { openPipeline } from '@/trainer/diffusion/pipeline';
import { parseSafetensors, serializeSafetensors } from '@/trainer/diffusion/safetensors';
import { Judge } from '@/trainer/hands/judge/judge';
import { writeAtomically } from '@/trainer/hands/pretrain/checkpoint';
import { pipelineFolder } from '@/trainer/rounds/resolve-pipeline';
import { Engine } from '@/trainer/runtime/engine';
import { measureAgreement } from '../agreement';
import { measureBetween, rawBetween, writeBetween } from '../between';
import { type Experiment, type ExperimentName, experiments } from '../experiments';
import { type Measured, measure } from '../measure';
import { suiteOptions } from '../options';
import { plot, type Report, writeReport } from '../report';
import { describe, type ExperimentResult, type Progress, runExperiment } from '../run';
import { openStudent } from '../student';
import { workFolder } from '../work-folder';

const experimentNames = Object.keys(experiments) as ExperimentName[];
const { values } = commandLine({
  start: 'npm run reproduce --',
  about: `Runs the D3PO paper's experiments on hands with simulated annotators and writes a report with data, tables and
plots. Stopped, it goes on from the last finished round. Another suite: --suite methods.`,
  options: z.object({
    suite: z.literal('d3po').default('d3po').describe('which experiments'),
    quick: z.boolean().default(false).describe('one short round, which must show an improvement'),
    agreement: z
      .boolean()
      .default(false)
      .describe('instead: where the gradients of two halves of the labels agree'),
    between: z
      .boolean()
      .default(false)
      .describe("instead: how much of a finished experiment's policy to take"),
    only: z
      .array(z.enum(experimentNames))
      .optional()
      .describe(`one of ${experimentNames.join(', ')}; may be given several times`),
    seed: whole(0).default(1).describe('of everything that chance decides'),
    ...suiteOptions,
  }),
});
const { quick, seed } = values;
const names = values.only ?? (quick ? ['blood' as const] : experimentNames);
const evaluationImages = quick ? 200 : 1000;
const sized = (experiment: Experiment): Experiment =>
  quick
    ? { ...experiment, rounds: 1, perRound: Math.ceil(0.75 * experiment.perRound) }
    : experiment;

const pipeline = await openPipeline(pipelineFolder('hands'));
const work = await workFolder(values.work, pipeline);
if (values.agreement) {
  await showAgreement();
  process.exit(0);
}
if (values.between) {
  await showBetween();
  process.exit(0);
}
const base = await measuredBase();
console.log(`base: ${describe(base)}`);
const results: ExperimentResult[] = [];
for (const name of names) {
  const engine = await openEngine();
  const folder = join(work, `${name}-${seed}${quick ? '-quick' : ''}`);
  try {
    results.push(
      await runExperiment(engine, pipeline, name, sized(experiments[name]), {
        base,
        interimImages: quick ? evaluationImages : 300,
        seed,
        log: (line) => console.log(`${name}: ${line}`),
        resume: await load(folder),
        save: (progress) => save(folder, progress),
      }),
    );
  } finally {
    await engine.close();
  }
}
const report: Report = {
  quick,
  machine: `${cpus().length} cores of ${cpus()[0]?.model.trim()}`,
  writtenAt: new Date().toISOString(),
  evaluationImages,
  results,
};
await mkdir(values.out, { recursive: true });
const file = quick ? 'reproduce-quick' : 'reproduce';
await writeFile(join(values.out, `${file}.json`), `${JSON.stringify(report)}\n`);
await writeFile(join(values.out, `${file}.md`), writeReport(report, experiments));
for (const result of results) await writeFile(join(values.out, `${result.name}.svg`), plot(result));
console.log(`Report: ${join(values.out, `${file}.md`)}`);
process.exit(quick && !improved(results) ? 1 : 0);

async function openEngine(): Promise<Engine> {
  return Engine.open({ device: values.device });
}

/** Where the labels of a first round speak with one voice: what to train, before training it. */
async function showAgreement(): Promise<void> {
  await mkdir(values.out, { recursive: true });
  for (const name of names) {
    const engine = await openEngine();
    try {
      const found = await measureAgreement(
        engine,
        pipeline,
        experiments[name],
        [name, seed],
        (line) => console.log(`${name}: ${line}`),
      );
      const path = join(values.out, `agreement-${name}.json`);
      await writeFile(path, `${JSON.stringify(found)}\n`);
      console.log(`${name}: ${path}`);
    } finally {
      await engine.close();
    }
  }
}

/** What lies between the base and what an experiment trained. */
async function showBetween(): Promise<void> {
  await mkdir(values.out, { recursive: true });
  for (const name of names) {
    const trained = await load(join(work, `${name}-${seed}`));
    if (!trained) refuse(`"${name}" is not trained yet: npm run reproduce -- --only ${name}`);
    const engine = await openEngine();
    try {
      const student = openStudent(engine, pipeline, experiments[name].training);
      const points = await measureBetween(student, trained.adapter, quick ? 50 : 500, (line) =>
        console.log(`${name}: ${line}`),
      );
      const file = join(values.out, `between-${name}${quick ? '-quick' : ''}`);
      await writeFile(`${file}.json`, rawBetween(points));
      await writeFile(`${file}.md`, writeBetween(name, points, experiments[name]));
      console.log(`Report: ${file}.md`);
    } finally {
      await engine.close();
    }
  }
}

/** The base policy on the evaluation images: the same for all experiments, so it is measured once. */
async function measuredBase(): Promise<Measured> {
  const path = join(work, `base-${evaluationImages}.json`);
  if (existsSync(path)) return JSON.parse(await readFile(path, 'utf8')) as Measured;
  const engine = await openEngine();
  try {
    const student = openStudent(engine, pipeline, experiments.hands.training);
    const judge = await Judge.open(engine, 'a');
    const measured = await measure(student, judge, undefined, evaluationImages);
    await mkdir(work, { recursive: true });
    writeAtomically(path, Buffer.from(JSON.stringify(measured)));
    return measured;
  } finally {
    await engine.close();
  }
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

async function load(folder: string): Promise<Progress | undefined> {
  try {
    const result = JSON.parse(
      await readFile(join(folder, 'result.json'), 'utf8'),
    ) as ExperimentResult;
    const path = join(folder, `adapter-${result.rounds.length}.safetensors`);
    return { result, adapter: parseSafetensors(await readFile(path), path).tensors as Adapter };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
}

/** The adapter first, then the result that names its round: a crash in between loses nothing. */
async function save(folder: string, { result, adapter }: Progress): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, `adapter-${result.rounds.length}.safetensors`),
    serializeSafetensors(adapter, { format: 'pt' }),
  );
  writeAtomically(join(folder, 'result.json'), Buffer.from(JSON.stringify(result)));
}
