/** @file `npm run judge:import`: a judge for a pipeline that has none, from an npm package. */
import { z } from 'zod';
import { closeDatabases } from '@/db/client';
import { toAppError } from '@/lib/errors';
import { flagDescriptions } from '@/lib/flags';
import { importedJudges } from '@/lib/judges/imported';
import { cohensKappa, type Marked } from '@/lib/statistics/agreement';
import { wilsonInterval } from '@/lib/statistics/proportion';
import { commandLine, device, refuse, whole } from '@/scripts/command-line';
import { line } from '@/scripts/console';
import { Engine } from '@/trainer/runtime/engine';
import { importJudge } from './import-judge';

const packages = Object.values(importedJudges).map((one) => `${one.package}@${one.version}`);

const { values, operands } = commandLine({
  start: 'npm run judge:import --',
  about: `Takes a judge over from a package that is installed, or from the folder that holds its networks: ${packages.join(', ')}.
They are converted, kept in the data folder, and measure the images of a pipeline from then on; the package is needed no more.`,
  operands: ['PACKAGE_OR_FOLDER'],
  options: z.object({
    pipeline: z.string().optional().describe('whose images it judges, where there are several'),
    set: z
      .array(z.string().regex(/^[a-z]+=\d+(\.\d+)?$/, 'is given as name=number'))
      .default([])
      .describe('a setting of the judge, as threshold=0.7'),
    images: whole(0).default(200).describe('images that people have seen to be read at once'),
    device,
  }),
});

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;

function share(count: number, n: number): string {
  const interval = wilsonInterval({ count, n });
  if (!interval) return 'nothing to compare';
  return `${percent(interval.rate)} (${percent(interval.low)} to ${percent(interval.high)}) of ${n}`;
}

function agreementText({ both, firstOnly, secondOnly, neither }: Marked): string {
  const kappa = cohensKappa({ both, firstOnly, secondOnly, neither });
  return [
    `${both + firstOnly + secondOnly + neither} images`,
    `people agree where it marks: ${share(both, both + firstOnly)}`,
    `it marks what people mark: ${share(both, both + secondOnly)}`,
    `kappa ${kappa ? `${kappa.rate.toFixed(2)} (${kappa.low.toFixed(2)} to ${kappa.high.toFixed(2)})` : 'cannot be told'}`,
  ].join('; ');
}

const engine = await Engine.open({ device: values.device, lanes: 1 });
try {
  const settings = values.set.map((one) => one.split('='));
  const report = await importJudge(engine, {
    packageOrFolder: operands[0]!,
    pipeline: values.pipeline,
    settings: Object.fromEntries(settings.map(([name, value]) => [name!, Number(value)])),
    images: values.images,
  });
  for (const { kind, source } of report.parts) {
    const { label, licence, trainedOn, limits } = importedJudges[kind];
    line('✓', label, `${source} judges the images of ${report.pipeline}`);
    line('·', 'licence', licence);
    line('·', 'trained on', trainedOn);
    line('!', 'limits', limits);
  }
  line('·', 'read', `${report.read} images that people have looked at`);
  for (const [kind, marked] of Object.entries(report.agreement)) {
    line('·', flagDescriptions[kind as keyof typeof report.agreement].label, agreementText(marked));
  }
} catch (thrown) {
  const error = toAppError(thrown);
  if (error.code !== 'internal') refuse(error.message);
  refuse(thrown instanceof Error ? thrown.message : error.message);
} finally {
  closeDatabases();
  await engine.close();
}
