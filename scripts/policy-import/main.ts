/**
 * @file `npm run policy:import`: brings a model of one's own, or says where a known one lies now.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { closeDatabases } from '@/db/client';
import { folderOf } from '@/db/policies/pipeline-folders';
import { getPolicy } from '@/db/policies/policies';
import { toAppError } from '@/lib/errors';
import { builtInImport, builtInSchema, measuredKinds } from '@/lib/pipeline-imports';
import { type ImageSize, sizesIn } from '@/lib/settings/image-sizes';
import { commandLine } from '@/scripts/command-line';
import { line } from '@/scripts/console';
import { chooseDevice } from '@/trainer/rounds/worker/device';
import { importFolder } from './import-folder';
import { Telling, toldFound } from './telling';

const { values, operands } = commandLine({
  start: 'npm run policy:import --',
  about: `Takes up a diffusion pipeline, exported to ONNX by Optimum, so that runs may train it: every part is read, run and
gone through backwards, an image is drawn, and what it takes on this machine is measured. Nothing is copied: the folder stays
where it is. For a pipeline that is known it says where its folder lies now: after it was moved, or on another machine.
FOLDER may also be hands-flow, which Darkroom makes: the rectified-flow twin of hands.`,
  operands: ['FOLDER'],
  options: z.object({
    name: z.string().optional().describe('what it shall be called, unless as its folder is'),
    size: z
      .array(z.string().transform(typedSizes))
      .default([])
      .describe('measure at this size of images, as 512 or 768x512; several times for several'),
    measure: z
      .enum(measuredKinds)
      .default('all')
      .describe('what is measured: all methods, drawing alone, or none'),
    add: z
      .boolean()
      .default(false)
      .describe('where other files have that name: take these up as a new base policy'),
  }),
});

function typedSizes(text: string, context: z.RefinementCtx): ImageSize[] {
  const sizes = sizesIn(text);
  if (sizes !== null) return sizes;
  context.addIssue('Give pixels, as 512 or 768x512');
  return z.NEVER;
}

const [folder] = operands as [string];
const cancelled = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => cancelled.abort());

try {
  const telling = new Telling();
  const options = {
    name: values.name ?? null,
    add: values.add,
    measure: values.measure,
    sizes: values.size.flat(),
  };
  const made = existsSync(folder) ? undefined : builtInSchema.safeParse(folder).data;
  const asked = made ? builtInImport(made) : { folder: resolve(folder), options };
  const { state, error, policyId } = await importFolder(asked, {
    device: await chooseDevice(),
    told: (one) => telling.tell(one),
    signal: cancelled.signal,
  });
  telling.end(state);
  if (state !== 'ready' || policyId === null) {
    console.error(error ?? 'The import was cancelled; nothing was registered.');
    process.exitCode = 1;
  } else {
    const { pipeline, hash, manifest } = await getPolicy(policyId);
    for (const [name, text] of toldFound(manifest.found)) line('·', name, text);
    console.log(
      `\nThe pipeline "${pipeline}" (hash ${hash.slice(0, 12)}) lies in ${folderOf({ pipeline, hash }, '')}. Start a run of it under Rounds.`,
    );
  }
} catch (thrown) {
  const error = toAppError(thrown);
  console.error(
    error.code === 'internal' && thrown instanceof Error ? thrown.message : error.message,
  );
  process.exitCode = 1;
} finally {
  closeDatabases();
}
