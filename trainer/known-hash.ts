/**
 * @file Hashes of models' files, which are read through only where one of them has changed since
 * they were last hashed.
 */
import { type HashProgress, knownHashes } from '@/db/known-hashes';
import { fileHash, hashedFiles, hashOfHashes } from '@/trainer/diffusion/pipelines/hash';

/** What `pipelineHash` says, remembered. @throws where the folder holds no pipeline, naming it */
export async function knownPipelineHash(folder: string, progress?: HashProgress): Promise<string> {
  return knownFilesHash(folder, await hashedFiles(folder), progress);
}

/** What `filesHash` says, remembered file by file. */
export async function knownFilesHash(
  folder: string,
  files: readonly string[],
  progress?: HashProgress,
): Promise<string> {
  return hashOfHashes(files, await knownHashes(folder, files, fileHash, progress));
}
