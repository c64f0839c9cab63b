/** @file `npm run reproduce [-- --quick] [--only NAME] [--out DIR] [--work DIR] [--device cpu|webgpu|cuda]`. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { wilsonInterval } from '@/lib/statistics/proportion';
import type { Adapter } from '@/trainer/diffusion/lora';
import { openPipeline } from '@/trainer/diffusion/pipeline';
import { parseSafetensors, serializeSafetensors } from '@/trainer/diffusion/safetensors';
import { pipelineFolder } from '@/trainer/rounds/resolve-pipeline';
import { Engine } from '@/trainer/runtime/engine';
import { type Experiment, type ExperimentName, experiments } from './experiments';
import { plot, type Report, writeReport } from './report';
import { type ExperimentResult, type Progress, runExperiment } from './run';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    out: { type: 'string', default: 'docs/results' },
    work: { type: 'string', default: '.darkroom/reproduce' },
    device: { type: 'string', default: 'cpu' },
    seed: { type: 'string', default: '1' },
  },
});
const { quick } = values;
const seed = Number(values.seed);
const names = (values.only ?? (quick ? ['hands'] : Object.keys(experiments))) as ExperimentName[];
const unknown = names.find((name) => !(name in experiments));
if (unknown) {
  console.error(
    `There is no experiment "${unknown}". Choose from ${Object.keys(experiments).join(', ')}.`,
  );
  process.exit(2);
}
const evaluationImages = quick ? 200 : 1000;
const sized = (experiment: Experiment): Experiment =>
  quick ? { ...experiment, rounds: 1, perRound: Math.ceil(experiment.perRound * 0.6) } : experiment;

const startedAt = new Date();
const pipeline = await openPipeline(pipelineFolder('hands'));
const results: ExperimentResult[] = [];
for (const name of names) {
  const engine = await Engine.open({ device: values.device as 'cpu' | 'webgpu' | 'cuda' });
  const folder = join(values.work, `${name}-${seed}${quick ? '-quick' : ''}`);
  try {
    results.push(
      await runExperiment(engine, pipeline, name, sized(experiments[name]), {
        evaluationImages,
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
  startedAt: startedAt.toISOString(),
  seconds: (Date.now() - startedAt.getTime()) / 1000,
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
  await writeFile(join(folder, 'result.json.part'), JSON.stringify(result));
  await rename(join(folder, 'result.json.part'), join(folder, 'result.json'));
}
