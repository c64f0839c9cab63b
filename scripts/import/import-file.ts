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
import { type PromptCuts, promptCuts } from '@/lib/text/prompt-cuts';
import { imageSizeOf } from '@/trainer/diffusion/images/vae-encoder';
import { handsPolicy } from '@/trainer/hands/hands-policy';
import { openBase } from '@/trainer/rounds/pipelines/resolve';
import type { Alteration, Fit } from './fit-image';
import { openRows } from './open-rows';
import { readAnswersFile, type Untimed } from './read';
import type { RowsFile } from './rows-file';

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
  /** What a row of the file is called. */
  unit: RowsFile['unit'];
}

export interface ImportOptions {
  fit?: Fit;
  /** Imports the other rows where some cannot be. */
  skipBad?: boolean;
  /** Called now and then. @param done of what is to be done, `of` */
  onProgress?: (stage: 'checked' | 'stored', done: number, of: number) => void;
}

/** What a file is, by what its rows are called. */
const formats = { line: 'lines', item: 'items', row: 'parquet' } as const;

/** Most of the time goes into waiting for the disk; large pictures must not all be in memory. */
const putAtOnce = 4;

/**
 * Imports the answers of a file, or of a folder that was exported, on images of a pipeline. Throws
 * where the pipeline is not known or the file is none of answers.
 */
export async function importFile(
  path: string,
  pipeline: string,
  options: ImportOptions = {},
): Promise<ImportReport> {
  const file = await openRows(path);
  try {
    return await importRows(file, pipeline, options);
  } finally {
    await file.close();
  }
}

async function importRows(
  file: RowsFile,
  pipeline: string,
  { fit = 'crop', skipBad = false, onProgress }: ImportOptions,
): Promise<ImportReport> {
  await migrateDatabase();
  if (pipeline === 'hands') await ensureBasePolicy(await handsPolicy());
  const { pipeline: opened } = await openBase(await baseForImport(pipeline));
  const size = imageSizeOf(opened);
  const checked = (share: number) => onProgress?.('checked', Math.round(share * 100), 100);
  const read = await readAnswersFile(file, { ...size, fit }, checked);
  const { images, untimed, unlabeled, otherPurpose, heldBack } = read;
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
    unit: file.unit,
  };
  if (report.problems.length > 0 && !skipBad) return report;
  const source = {
    file: basename(file.path),
    sha256: file.sha256,
    format: formats[file.unit],
  };
  let stored = 0;
  const putImages = async (next: readonly ImportedAnswer[]) => {
    const named = next.flatMap(({ left, right }) => [left.imageBlob, right.imageBlob]);
    const wanted = [...new Set(named)];
    for (let first = 0; first < wanted.length; first += putAtOnce) {
      const some = wanted.slice(first, first + putAtOnce);
      await Promise.all(some.map((imageBlob) => images.put(imageBlob)));
    }
    onProgress?.('stored', stored, answers.length);
    stored += next.length;
  };
  return { ...report, ...(await importAnswers({ pipeline, source, answers, putImages })) };
}

export function countsOf<Key extends string>(values: readonly Key[]): Partial<Record<Key, number>> {
  const counts: Partial<Record<Key, number>> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
