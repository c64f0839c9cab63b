/**
 * @file Hashes of models' files, which are read through only where one of them has changed since
 * they were last hashed.
 */
import { knownHash } from '@/db/known-hashes';
import { filesHash, pipelineFiles, pipelineHash } from '@/trainer/diffusion/pipelines/hash';

/** What `pipelineHash` says, remembered. @throws where the folder holds no pipeline, naming it */
export async function knownPipelineHash(folder: string): Promise<string> {
  const { hashed } = await pipelineFiles(folder);
  return knownHash(folder, hashed, () => pipelineHash(folder));
}

/** What `filesHash` says, remembered. */
export async function knownFilesHash(folder: string, files: readonly string[]): Promise<string> {
  return knownHash(folder, files, () => filesHash(folder, files));
}
