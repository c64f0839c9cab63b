/** @file `npm run policy:export`: a policy as a whole pipeline that Optimum opens. */
import { z } from 'zod';
import { closeDatabases } from '@/db/client';
import { migrateExisting } from '@/db/migrate';
import { listPolicies } from '@/db/policies/policies';
import { AppError, toAppError } from '@/lib/errors';
import { commandLine } from '@/scripts/command-line';
import { exportPolicy } from '@/trainer/rounds/pipelines/export-policy';

const { operands } = commandLine({
  start: 'npm run policy:export --',
  about: `Writes a policy as a pipeline of its own: the base's folder with the policy's weights merged into the UNet or transformer.
POLICY is a policy's name, or its id from the address of its page.`,
  operands: ['POLICY', 'FOLDER'],
  options: z.object({}),
});

const [asked, folder] = operands as [string, string];
try {
  await migrateExisting();
  await exportPolicy(await policyId(asked), folder);
  console.log(
    `${folder} holds the pipeline of ${asked}, without weights for PyTorch. To train it further here: npm run policy:import -- ${folder}`,
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

async function policyId(text: string): Promise<string> {
  const all = await listPolicies();
  const found = all.filter(({ id, name }) => id === text || name === text);
  const [first] = found;
  if (first && found.length === 1) return first.id;
  throw new AppError(
    first ? 'bad-request' : 'not-found',
    first
      ? `${found.length} policies are called "${text}". Give the id of one: ${found.map(({ id, pipeline }) => `${id} (${pipeline})`).join(', ')}.`
      : `There is no policy "${text}". Give the name of one on the page Policies.`,
  );
}
