/**
 * @file Says where a pipeline lies on this machine; one that is not known yet is taken up where
 * that was asked for.
 */
import { resolve } from 'node:path';
import { migrateDatabase } from '@/db/migrate';
import { isBaseOf, listedPolicies } from '@/db/policies/list';
import { keepFolder } from '@/db/policies/pipeline-folders';
import { ensureBasePolicy, getPolicy, type Policy } from '@/db/policies/policies';
import { AppError } from '@/lib/errors';
import { imageSizeOf } from '@/trainer/diffusion/images/vae-encoder';
import { openedPipeline } from '@/trainer/rounds/pipelines/opened';

/** Names that look well on pages and are no paths. */
const nameForm = /^[a-z0-9][\w.-]{0,59}$/i;

export interface PlacedPipeline {
  base: Policy;
  isNew: boolean;
}

/**
 * Keeps that a pipeline lies in a folder, once the folder has been opened and holds the files it is
 * known by. With `add`, other files become a base policy of that name. Throws what is wrong with
 * the folder or the name, and keeps nothing then.
 */
export async function placePipeline(
  name: string,
  folder: string,
  { add }: { add: boolean },
): Promise<PlacedPipeline> {
  const place = resolve(folder);
  const { pipeline, hash } = await openedPipeline(place);
  await migrateDatabase();
  const listed = await listedPolicies(isBaseOf(name));
  const bases = await Promise.all(listed.map(({ id }) => getPolicy(id)));
  const known = bases.find((base) => base.hash === hash);
  if (!known) refuseUnknown(name, place, hash, bases, add);
  const base =
    known ??
    (await ensureBasePolicy({
      pipeline: name,
      name,
      hash,
      manifest: {
        ...imageSizeOf(pipeline),
        schedule: pipeline.scheduler.text,
      },
    }));
  keepFolder({ pipeline: name, hash, folder: place });
  return { base, isNew: !known };
}

function refuseUnknown(
  name: string,
  folder: string,
  hash: string,
  bases: readonly Policy[],
  add: boolean,
): void {
  const short = (text: string) => text.slice(0, 12);
  if (!add) {
    throw new AppError(
      bases.length > 0 ? 'conflict' : 'not-found',
      bases.length > 0
        ? `The files in ${folder} (hash ${short(hash)}) are not those of the pipeline "${name}" (hash ${bases.map((base) => short(base.hash)).join(' or ')}). Give the folder that holds those; or, to train these files as a new base policy of that name, add --add.`
        : `There is no pipeline "${name}" here. Check the name; or, to take up the files in ${folder} by that name, add --add.`,
    );
  }
  if (name === 'hands') {
    throw new AppError(
      'bad-request',
      'The name hands belongs to the built-in pipeline. Give this one another name.',
    );
  }
  if (bases.length === 0 && !nameForm.test(name)) {
    throw new AppError(
      'bad-request',
      `"${name}" cannot be the name of a pipeline. Take up to 60 letters, digits, dots, hyphens and underscores, beginning with a letter or digit.`,
    );
  }
}
