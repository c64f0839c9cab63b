/** @file The suite `methods`. Stopped anywhere, it goes on from the last finished unit of work. */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { commandLine, refuse } from '@/scripts/command-line';
import { openPipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { handsFolder } from '@/trainer/rounds/pipelines/resolve';
import { suiteOptions } from '../options';
import { workFolder } from '../work-folder';
import type { Bench } from './bench';
import { studentSettings } from './desk';
import { confirmation, diversity } from './diversity/figure';
import type { Figure, Told } from './figure';
import { hacking } from './hacking/figure';
import { picks } from './picks/figure';
import { evaluations } from './picks/passes';
import { type FigureReport, writeReport } from './reports/suite';
import { rewards } from './rewards/figure';
import { full, quick as small } from './sizes';
import { Store } from './store';

const suite = { picks, diversity, hacking, rewards } as const;
/** With what is made only when asked for by name. */
const figures = { ...suite, confirmation } as const;
type FigureName = keyof typeof figures;

const figureNames = Object.keys(figures) as FigureName[];
const { values } = commandLine({
  start: 'npm run reproduce -- --suite methods',
  about:
    'Sets the methods against each other on hands and writes a report with data, plots and images.',
  options: z.object({
    suite: z.literal('methods').describe('this one'),
    quick: z
      .boolean()
      .default(false)
      .describe('a small run, which only shows that everything runs'),
    only: z
      .array(z.enum(figureNames))
      .optional()
      .describe(`a figure of ${figureNames.join(', ')}; may be given several times`),
    seeds: z.string().optional().describe('how many, up to 10, or which, as 4-13'),
    ...suiteOptions,
  }),
});
const { quick } = values;
const names = values.only ?? (Object.keys(suite) as FigureName[]);
const seeds = seedsIn(values.seeds ?? (quick ? '1' : '3'));

const pipeline = await openPipeline(handsFolder);
const folder = await workFolder(values.work, pipeline);
const sizes = quick ? small : full;
const { judgements } = sizes;
const common: Omit<Bench, 'store'> = {
  pipeline,
  device: values.device,
  shared: await storeOf('shared', {}),
  sizes,
  seeds,
  log: (line) => console.log(line),
};
for (const name of names) {
  const thousands = evaluations(figures[name].planned(common)) / 1000;
  console.log(`${name}: ${thousands.toFixed(0)} thousand UNet evaluations in all`);
}
const reports: FigureReport[] = [];
// A report of some figures is not the suite's.
const name = ['methods', ...(values.only ?? []), ...(quick ? ['quick'] : [])].join('-');
for (const figure of names) {
  reports.push(await made(figure, figures[figure]! as Figure<unknown>));
  // After each figure, so that one that fails leaves the others' report.
  await write();
}
console.log(`Report: ${join(values.out, `${name}.md`)}`);

async function made(figure: FigureName, { title, planned, run, tell }: Figure<unknown>) {
  // The confirmation goes on where the figure it confirms stopped: same settings, other seeds.
  const part = figure === 'confirmation' ? 'diversity' : figure;
  const result = await run({ ...common, store: await storeOf(part, sizes[part]) });
  const told: Told = tell(result, common);
  await mkdir(values.out, { recursive: true });
  for (const [file, content] of Object.entries(told.files)) {
    await mkdir(join(values.out, name), { recursive: true });
    await writeFile(join(values.out, name, file), content);
  }
  const text = told.text.replaceAll('](methods/', `](${name}/`);
  return { name: figure, title, planned: planned(common), result, text };
}

async function write(): Promise<void> {
  const about = {
    name,
    quick,
    command: ['npm run reproduce -- --suite methods', ...process.argv.slice(2).filter(isOwn)].join(
      ' ',
    ),
    machine: `${cpus().length} cores of ${cpus()[0]?.model.trim()}`,
    writtenAt: new Date().toISOString(),
    bench: { sizes, seeds: common.seeds },
  };
  const { markdown, json } = writeReport(about, reports);
  await writeFile(join(values.out, `${name}.json`), json);
  await writeFile(join(values.out, `${name}.md`), markdown);
}

/**
 * Where a figure's units lie: settings that change send only what depends on them to a new folder.
 */
function storeOf(part: string, settings: unknown): Promise<Store> {
  const root = join(folder, `methods-${part}`);
  return Store.open(root, { student: studentSettings, judgements, settings });
}

/** "3" is seeds 1 to 3, "4-13" is those. */
function seedsIn(text: string): number[] {
  const [, from = '1', to] = /^(?:([1-9]\d*)-)?([1-9]\d*)$/.exec(text) ?? [];
  const count = Number(to) - Number(from) + 1;
  if (!(count >= 1 && count <= 10)) {
    refuse(`--seeds ${text} is no number of seeds: give one from 1 to 10, or up to ten as "4-13".`);
  }
  return Array.from({ length: count }, (_, i) => Number(from) + i);
}

/** Arguments that the command in the report repeats. */
function isOwn(argument: string, index: number, all: readonly string[]): boolean {
  const option = argument.startsWith('--') ? argument : all[index - 1];
  return ['--quick', '--only', '--seeds', '--device'].includes(String(option?.split('=')[0]));
}
