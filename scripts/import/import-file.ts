/**
 * @file An import from a file to the database: all of it checked first, and nothing stored unless
 * all of it can be.
 */
import { basename } from 'node:path';
import {
  type ImportedAnswer,
  type ImportProblem,
  idsOf,
  importProblems,
  withOrdinals,
} from '@/db/exchange/import-checks';
import { baseForImport, importAnswers } from '@/db/exchange/imports';
import { migrateDatabase } from '@/db/migrate';
import { ensureBasePolicy } from '@/db/policies/policies';
import { AppError } from '@/lib/errors';
import { type PromptCuts, promptCuts } from '@/lib/text/prompt-cuts';
import { imageSizeOf } from '@/trainer/diffusion/images/vae-encoder';
import { handsPolicy } from '@/trainer/hands/hands-policy';
import { openBase } from '@/trainer/rounds/pipelines/resolve';
import { otherKind } from './file-kinds';
import type { Alteration, Fit } from './fit-image';
import { readAnswersFile, type Untimed } from './read';

export interface ImportReport {
  /**
   * Of which rows cannot be imported; where there are any and bad rows are not skipped, nothing was
   * stored.
   */
  problems: ImportProblem[];
  added: number;
  /** Stored before. */
  known: number;
  people: number;
  /** Of them those without a user_id: each such row counts as another person. */
  unnamed: number;
  untimed: Untimed;
  unlabeled: number;
  otherPurpose: number;
  heldBack: number;
  /** Different prompts, and which of them are longer than what reaches the model. */
  prompts: number;
  cuts: PromptCuts;
  /**
   * Different images, and how many of them are stored otherwise than they came, in all and by what
   * was done.
   */
  images: number;
  altered: number;
  alterations: Partial<Record<Alteration, number>>;
}

/** Most of the time goes into waiting for the disk; large pictures must not all be in memory. */
const putAtOnce = 4;

/**
 * Imports a file's answers on images of a pipeline. Throws where the pipeline is not known or the
 * file is no file of lines.
 */
export async function importFile(
  path: string,
  pipeline: string,
  { fit = 'crop', skipBad = false }: { fit?: Fit; skipBad?: boolean } = {},
): Promise<ImportReport> {
  const kind = await otherKind(path);
  if (kind) throw new AppError('unprocessable', kind);
  await migrateDatabase();
  if (pipeline === 'hands') await ensureBasePolicy(await handsPolicy());
  const { pipeline: opened } = await openBase(await baseForImport(pipeline));
  const size = imageSizeOf(opened);
  const read = await readAnswersFile(path, { ...size, fit });
  const { images, file, untimed, unlabeled, otherPurpose, heldBack } = read;
  const all = withOrdinals(pipeline, read.answers);
  const contradictions = await importProblems(pipeline, all);
  const bad = new Set(contradictions.map(({ line }) => line));
  const answers = all.filter(({ line }) => !bad.has(line));
  const prompts = new Set(answers.map(({ caption }) => caption));
  const cuts = promptCuts(prompts, opened.measure);
  const report: ImportReport = {
    problems: [...read.problems, ...contradictions],
    added: 0,
    known: 0,
    people: new Set(answers.map((answer) => idsOf(pipeline, answer).person)).size,
    unnamed: answers.filter(({ userId }) => userId === null).length,
    untimed,
    unlabeled,
    otherPurpose,
    heldBack,
    prompts: prompts.size,
    cuts: { cut: cuts.length, first: cuts[0] ?? null, room: opened.measure.room },
    images: images.altered.length,
    altered: images.altered.filter((done) => done.length > 0).length,
    alterations: countsOf(images.altered.flat()),
  };
  if (report.problems.length > 0 && !skipBad) return report;
  try {
    const source = { file: basename(path), sha256: file.sha256 };
    const putImages = async (next: readonly ImportedAnswer[]) => {
      const named = next.flatMap(({ left, right }) => [left.imageBlob, right.imageBlob]);
      const wanted = [...new Set(named)];
      for (let first = 0; first < wanted.length; first += putAtOnce) {
        const some = wanted.slice(first, first + putAtOnce);
        await Promise.all(some.map((imageBlob) => images.put(imageBlob)));
      }
    };
    return { ...report, ...(await importAnswers({ pipeline, source, answers, putImages })) };
  } finally {
    await file.close();
  }
}

function countsOf<Key extends string>(values: readonly Key[]): Partial<Record<Key, number>> {
  const counts: Partial<Record<Key, number>> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
