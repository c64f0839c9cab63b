/**
 * @file `npm run pipeline`: where a pipeline lies on this machine, and pipelines that Darkroom does
 * not know yet.
 */
import { z } from 'zod';
import { closeDatabases } from '@/db/client';
import { toAppError } from '@/lib/errors';
import { commandLine } from '@/scripts/command-line';
import { placePipeline } from './place-pipeline';

const { values, operands } = commandLine({
  start: 'npm run pipeline --',
  about: `Says in which folder a pipeline lies on this machine: after its folder was moved, or where the data came from another
machine. With --add it becomes a pipeline that runs may train, or gets a new base policy where its files are others now.`,
  operands: ['NAME', 'FOLDER'],
  options: z.object({
    add: z
      .boolean()
      .default(false)
      .describe('take up the files if they are not known by that name'),
  }),
});

const [name, folder] = operands as [string, string];
try {
  const { base, isNew } = await placePipeline(name, folder, values);
  const what = isNew ? 'was added' : 'is known';
  console.log(
    `The pipeline "${name}" (hash ${base.hash.slice(0, 12)}) ${what} and lies in ${folder}.`,
  );
} catch (thrown) {
  const error = toAppError(thrown);
  console.error(
    error.code === 'internal' && thrown instanceof Error ? thrown.message : error.message,
  );
  process.exitCode = 1;
} finally {
  closeDatabases();
}
