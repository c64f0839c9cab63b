/** @file `npm run import -- FILE.jsonl [--pipeline hands]`: answers given elsewhere, in Pick-a-Pic's columns, with their PNGs. */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { toAppError } from '@/lib/errors';
import { line } from '@/scripts/console';
import { importFile } from './import-file';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { pipeline: { type: 'string', default: 'hands' } },
});
const [file] = positionals;
if (!file || positionals.length > 1 || !existsSync(file)) {
  console.error(
    file
      ? `${positionals.find((one) => !existsSync(one)) ?? positionals[1]}: give one file that exists.`
      : 'Give a file: npm run import -- FILE.jsonl [--pipeline hands]',
  );
  process.exit(2);
}

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
