/** @file `npm run adapter:import`: a LoRA file from elsewhere as the start of a lineage. */
import { z } from 'zod';
import { closeDatabases } from '@/db/client';
import { migrateExisting } from '@/db/migrate';
import { newestBase } from '@/db/policies/policies';
import { toAppError } from '@/lib/errors';
import { commandLine } from '@/scripts/command-line';
import { importAdapter, loraFileAt } from '@/trainer/rounds/imports/import-adapter';

const { values, operands } = commandLine({
  start: 'npm run adapter:import --',
  about: `Takes up a LoRA file (safetensors; names of diffusers, PEFT, kohya and others) as a policy of a pipeline, so that runs
may start from it. It is checked against the pipeline's modules; alpha is brought to the rank, and ranks to the largest,
neither of which changes an image.`,
  operands: ['PIPELINE', 'FILE'],
  options: z.object({
    name: z.string().trim().min(1).max(120).optional().describe("the policy's name (the file's)"),
    'without-text': z
      .boolean()
      .default(false)
      .describe('leave out what the file says of text encoders'),
  }),
});

const [pipeline, file] = operands as [string, string];
try {
  await migrateExisting();
  const { policy, kind, notes } = await importAdapter({
    base: await newestBase(pipeline),
    file: await loraFileAt(file),
    name: values.name ?? null,
    withoutText: values['without-text'],
  });
  for (const note of notes) console.log(note);
  console.log(
    `${policy.name} is a policy of ${pipeline} now. Runs that start from it train ${kind.trainables}, rank ${kind.loraRank}, alpha ${kind.loraAlpha}.`,
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
