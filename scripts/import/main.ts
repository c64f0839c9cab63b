/** @file `npm run import`: answers given elsewhere, in Pick-a-Pic's columns, with their PNGs. */
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { toAppError } from '@/lib/errors';
import { commandLine, refuse } from '@/scripts/command-line';
import { line } from '@/scripts/console';
import { importFile } from './import-file';

const { values, operands } = commandLine({
  start: 'npm run import --',
  about:
    "Takes in answers given elsewhere: lines of JSON in Pick-a-Pic's columns, with their PNGs.",
  operands: ['FILE.jsonl'],
  options: z.object({
    pipeline: z.string().default('hands').describe('the base that the images are compared under'),
  }),
});
const [file] = operands as [string];
if (!existsSync(file)) refuse(`${file} does not exist: give a file of answers.`);

const problemsShown = 20;

try {
  const { problems, added, known, people, unlabeled, otherPurpose } = await importFile(
    file,
    values.pipeline,
  );
  if (problems.length > 0) {
    for (const { line: number, message } of problems.slice(0, problemsShown)) {
      console.error(`line ${number}: ${message}`);
    }
    const more = problems.length - problemsShown;
    console.error(
      `${more > 0 ? `And ${more} more. ` : ''}Nothing was imported: correct ${problems.length === 1 ? 'this line' : 'these lines'}, then import again.`,
    );
    process.exitCode = 1;
  } else {
    line('✓', 'imported', `${added} answers of ${people} people; ${known} were known already`);
    if (unlabeled > 0) line('·', 'left out', `${unlabeled} without a label`);
    if (otherPurpose > 0) line('·', 'left out', `${otherPurpose} on gold or evaluation pairs`);
  }
} catch (thrown) {
  const error = toAppError(thrown);
  console.error(
    error.code === 'internal' && thrown instanceof Error ? thrown.message : error.message,
  );
  process.exitCode = 1;
}
