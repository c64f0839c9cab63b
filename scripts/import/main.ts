/** @file `npm run import`: answers given elsewhere, with their images. */
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { toAppError } from '@/lib/errors';
import { commandLine, refuse } from '@/scripts/command-line';
import { line } from '@/scripts/console';
import { progressLine } from '@/scripts/progress-line';
import { fits } from './fit-image';
import { type D3poReport, importD3po } from './import-d3po';
import { type ImportOptions, type ImportReport, importFile } from './import-file';
import { toldProblems } from './problems';
import { type Told, toldD3po, toldReport } from './report';

const { values, operands } = commandLine({
  start: 'npm run import --',
  about:
    "Takes in answers given elsewhere: Parquet or JSON (lines, or an array) in Pick-a-Pic's columns, as HPD's rankings, or as prompt, chosen and rejected; their images (PNG, JPEG or WebP) within, or beside the file. A folder that npm run export wrote, too. Stopped midway, it goes on when called again.",
  operands: ['FILE'],
  options: z.object({
    pipeline: z.string().default('hands').describe('the base that the images are compared under'),
    fit: z
      .enum(fits)
      .default('crop')
      .describe('images of another shape: crop cuts off what stands over, pad adds black'),
    scores: z
      .string()
      .optional()
      .describe(
        "FILE is a folder that D3PO's sample.py wrote; this one holds a file of JSON for each person, with lists of scores",
      ),
    'skip-bad': z
      .boolean()
      .default(false)
      .describe('import the other rows where some cannot be, and list what was left out'),
  }),
});
const [file] = operands as [string];
if (!existsSync(file)) refuse(`${file} does not exist: give a file of answers.`);
const skipBad = values['skip-bad'];
const progress = { checked: progressLine('percent checked'), stored: progressLine('stored') };
const options: ImportOptions = {
  fit: values.fit,
  skipBad,
  onProgress: (stage, done, of) => progress[stage](done, of),
};

/** What came of it, and what is to be said. */
async function run(): Promise<{ report: ImportReport | D3poReport; told: Told[]; unit: string }> {
  if (values.scores === undefined) {
    const report = await importFile(file, values.pipeline, options);
    return { report, told: toldReport(report), unit: report.unit };
  }
  const report = await importD3po(file, values.scores, values.pipeline, options);
  return { report, told: toldD3po(report), unit: 'group' };
}

try {
  const { report, told, unit } = await run();
  const { problems, added, known } = report;
  const isStored = problems.length === 0 || (skipBad && added + known > 0);
  if (isStored) for (const [mark, name, text] of told) line(mark, name, text);
  for (const paragraph of toldProblems(problems, unit)) console.error(paragraph);
  if (!isStored) {
    const remedy = skipBad
      ? 'No row can be imported.'
      : `Nothing was imported: correct ${problems.length === 1 ? 'this row' : 'these rows'}, or leave ${problems.length === 1 ? 'it' : 'them'} out with --skip-bad, then import again.`;
    console.error(remedy);
    process.exitCode = 1;
  }
} catch (thrown) {
  const error = toAppError(thrown);
  console.error(
    error.code === 'internal' && thrown instanceof Error ? thrown.message : error.message,
  );
  process.exitCode = 1;
}
