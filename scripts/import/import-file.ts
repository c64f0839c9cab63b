/** @file An import from a file to the database: all of it checked first, and nothing stored unless all of it can be. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { putBlob, sha256 } from '@/db/blobs';
import { type ImportProblem, importProblems } from '@/db/import-checks';
import { baseForImport, importAnswers } from '@/db/imports';
import { migrateDatabase } from '@/db/migrate';
import { ensureBasePolicy } from '@/db/policies';
import { handsPolicy } from '@/scripts/setup/hands-policy';
import { openPipeline } from '@/trainer/diffusion/pipeline';
import { imageSizeOf } from '@/trainer/diffusion/vae-encoder';
import { pipelineFolder } from '@/trainer/rounds/resolve-pipeline';
import { readAnswersFile } from './read';

export interface ImportReport {
  /** Where there are any, nothing was stored. */
  problems: ImportProblem[];
  added: number;
  /** Stored before. */
  known: number;
  people: number;
  unlabeled: number;
  otherPurpose: number;
}

/** Imports a file's answers on images of a pipeline. Throws where the pipeline is not known. */
export async function importFile(file: string, pipeline: string): Promise<ImportReport> {
  const size = imageSizeOf(await openPipeline(pipelineFolder(pipeline)));
  await migrateDatabase();
  if (pipeline === 'hands') await ensureBasePolicy(await handsPolicy());
  await baseForImport(pipeline);
  const { answers, problems, images, unlabeled, otherPurpose } = await readAnswersFile(file, size);
  const report = { people: 0, added: 0, known: 0, unlabeled, otherPurpose };
  const contradictions = problems.length > 0 ? [] : await importProblems(pipeline, answers);
  if (problems.length + contradictions.length > 0) {
    return { ...report, problems: [...problems, ...contradictions] };
  }
  for (const path of images.values()) await putBlob(await readFile(path));
  const source = { file: basename(file), sha256: sha256(await readFile(file)) };
  const stored = await importAnswers({ pipeline, source, answers });
  const people = new Set(answers.map(({ userId }) => userId)).size;
  return { ...report, ...stored, people, problems: [] };
}
