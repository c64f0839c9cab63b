/** @file A file of answers with their images: checked, row by row. */
import type { ImportedAnswer, ImportProblem } from '@/db/exchange/import-checks';
import { AppError } from '@/lib/errors';
import {
  answerIn,
  type ImportedRow,
  importedRowSchema,
  isUnlabeled,
} from '@/lib/exchange/imported-row';
import { answersIn } from '@/lib/exchange/shapes';
import { readTime } from '@/lib/times';
import type { Frame } from './fit-image';
import { type FoundImage, Images, RowError } from './images';
import type { FileRow, Row, RowsFile } from './rows-file';

/** Rows that came in without a time: none was given, or none that can be read. */
export interface Untimed {
  missing: number;
  unread: number;
  /** The first that could not be read. */
  example?: { line: number; written: string };
}

export interface AnswersFile {
  answers: Omit<ImportedAnswer, 'ordinal'>[];
  problems: ImportProblem[];
  images: Images;
  untimed: Untimed;
  /**
   * Rows left out: without a label, given to gold or evaluation pairs, by people whose answers were
   * held back.
   */
  unlabeled: number;
  otherPurpose: number;
  heldBack: number;
}

/**
 * Reads a file. Nothing is written; problems are collected, not thrown. @param frame what the
 * pipeline's images measure
 */
export async function readAnswersFile(
  file: RowsFile,
  frame: Frame,
  onProgress?: (share: number) => void,
  now = Date.now(),
): Promise<AnswersFile> {
  const images = new Images(file, frame);
  const counts = { unlabeled: 0, otherPurpose: 0, heldBack: 0 };
  const untimed: Untimed = { missing: 0, unread: 0 };
  const found: AnswersFile = { answers: [], problems: [], images, untimed, ...counts };
  for await (const one of file.rows()) {
    onProgress?.(file.share);
    const parts = one.row ? answersIn(one.row) : 'Give one JSON object a line.';
    if (typeof parts === 'string') {
      const reason = one.row ? 'columns' : 'not-json';
      found.problems.push({ line: one.number, reason, message: parts });
      continue;
    }
    for (const [part, row] of parts.entries()) {
      try {
        await take(row, { ...one, place: { ...one.place, part } });
      } catch (thrown) {
        found.problems.push({ line: one.number, ...problemIn(thrown) });
      }
    }
  }
  return found;

  async function take(columns: Row, one: FileRow): Promise<void> {
    if (isUnlabeled(columns)) {
      found.unlabeled++;
      return;
    }
    const row = rowIn(columns);
    if (row.purpose !== 'training') found.otherPurpose++;
    else if (row.held_back) found.heldBack++;
    else {
      const answer = await answerOf(row, one, images, frame, now);
      if (answer.createdAt === null) countUntimed(untimed, row.created_at, one.number);
      found.answers.push(answer);
    }
  }
}

function problemIn(thrown: unknown): Omit<ImportProblem, 'line'> {
  if (thrown instanceof RowError) return { reason: thrown.reason, message: thrown.message };
  // A blob that is damaged.
  if (thrown instanceof AppError) return { reason: 'image-unreadable', message: thrown.message };
  throw thrown;
}

function rowIn(object: Record<string, unknown>): ImportedRow {
  const parsed = importedRowSchema.safeParse(object);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => {
    const value = object[String(path[0])];
    const said = value === undefined ? '' : ` ${abridged(value)}`;
    return `${path.join('.')}${said} ${message}`;
  });
  throw new RowError('columns', `${issues.join('; ')}.`);
}

async function answerOf(
  row: ImportedRow,
  { number, place }: FileRow,
  images: Images,
  { width, height }: Frame,
  now: number,
): Promise<Omit<ImportedAnswer, 'ordinal'>> {
  const answer = answerIn(row);
  if (!answer) {
    const said = row.answer ? ` and answer "${row.answer}"` : '';
    throw new RowError(
      'labels',
      `label_0 ${row.label_0} and label_1 ${row.label_1}${said} are no answer. Give 1 and 0, 0 and 1, or 0.5 and 0.5 for a tie or both bad.`,
    );
  }
  const left = await images.find(row, 0, place);
  const right = await images.find(row, 1, place);
  if (left.imageBlob === right.imageBlob) {
    throw new RowError(
      'same-image',
      'both images are the same, pixel for pixel. Leave the row out.',
    );
  }
  const side = ({ imageBlob }: FoundImage, model: string | null) => ({
    imageBlob,
    width,
    height,
    origin: model ?? 'unknown',
  });
  return {
    line: number,
    rankingId: row.answer_id ?? row.ranking_id,
    userId: row.user_id,
    caption: row.caption,
    left: side(left, row.model_0),
    right: side(right, row.model_1),
    answer,
    createdAt: readTime(row.created_at_ms, now) ?? readTime(row.created_at, now),
    decisionMs: Math.round(row.decision_ms ?? 0),
  };
}

function countUntimed(untimed: Untimed, written: unknown, line: number): void {
  if (written === undefined || written === null || written === '') {
    untimed.missing++;
    return;
  }
  untimed.unread++;
  untimed.example ??= { line, written: abridged(written) };
}

/** A value as it stands in the file, its beginning where it is long. */
function abridged(value: unknown): string {
  const written = value instanceof Uint8Array ? 'bytes' : (JSON.stringify(value) ?? '');
  return written.length > 60 ? `${written.slice(0, 57)}…` : written;
}
