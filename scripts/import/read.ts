/** @file A file of answers in Pick-a-Pic's columns, one JSON object a line, with the images it names: checked, line by line. */
import { createReadStream, existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { blobPath, getBlob, hasBlob, sha256 } from '@/db/blobs';
import type { ImportedAnswer, ImportProblem } from '@/db/import-checks';
import { answerIn, type ImportedRow, importedRowSchema } from '@/lib/pick-a-pic';
import { decodePng } from '@/trainer/diffusion/images';

/** An image that a row names. */
interface FoundImage {
  /** Where its bytes lie. */
  path: string;
  imageBlob: string;
  width: number;
  height: number;
}

export interface AnswersFile {
  answers: ImportedAnswer[];
  problems: ImportProblem[];
  /** Path of every image, by its hash. */
  images: Map<string, string>;
  /** Rows left out: without a label, or given to gold or evaluation pairs. */
  unlabeled: number;
  otherPurpose: number;
}

/** Says what is wrong with a row, and what would be right. */
class RowError extends Error {}

/** Reads a file. Nothing is written; problems are collected, not thrown. @param size what the pipeline's images measure */
export async function readAnswersFile(
  file: string,
  size: { width: number; height: number },
  now = Date.now(),
): Promise<AnswersFile> {
  const images = new Images(dirname(resolve(file)), size);
  const found: AnswersFile = {
    answers: [],
    problems: [],
    images: new Map(),
    unlabeled: 0,
    otherPurpose: 0,
  };
  let line = 0;
  for await (const text of createInterface({
    input: createReadStream(file),
    crlfDelay: Infinity,
  })) {
    line++;
    if (text.trim() === '') continue;
    try {
      const row = rowIn(text);
      if (!row.has_label) found.unlabeled++;
      else if (row.purpose !== 'training') found.otherPurpose++;
      else found.answers.push(await answerOf(row, line, images, now));
    } catch (thrown) {
      if (!(thrown instanceof Error)) throw thrown;
      found.problems.push({ line, message: thrown.message });
    }
  }
  for (const { imageBlob, path } of images.known.values()) found.images.set(imageBlob, path);
  return found;
}

function rowIn(text: string): ImportedRow {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (thrown) {
    throw new RowError(`no JSON (${(thrown as Error).message}). Give one object a line.`);
  }
  const parsed = importedRowSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new RowError(issues.join('; '));
}

async function answerOf(
  row: ImportedRow,
  line: number,
  images: Images,
  now: number,
): Promise<ImportedAnswer> {
  const answer = answerIn(row);
  if (!answer) {
    const said = row.answer ? ` and answer "${row.answer}"` : '';
    throw new RowError(
      `label_0 ${row.label_0} and label_1 ${row.label_1}${said} are no answer. Give 1 and 0, 0 and 1, or 0.5 and 0.5 for a tie or both bad.`,
    );
  }
  const left = await images.find(row.image_0_path, row.image_0_uid, 'image_0');
  const right = await images.find(row.image_1_path, row.image_1_uid, 'image_1');
  if (left.imageBlob === right.imageBlob) {
    throw new RowError('both images are the same, byte for byte. Leave the row out.');
  }
  const side = ({ imageBlob, width, height }: FoundImage, model: string | null | undefined) => ({
    imageBlob,
    width,
    height,
    origin: model ?? 'unknown',
  });
  return {
    line,
    rankingId: row.ranking_id ?? null,
    userId: row.user_id ?? null,
    caption: row.caption,
    left: side(left, row.model_0),
    right: side(right, row.model_1),
    answer,
    createdAt: row.created_at ? Date.parse(row.created_at) : now,
    decisionMs: Math.round(row.decision_ms ?? 0),
  };
}

/** Images as rows name them, each read and checked once. */
class Images {
  readonly known = new Map<string, FoundImage>();

  constructor(
    private readonly folder: string,
    private readonly size: { width: number; height: number },
  ) {}

  async find(
    path: string | null | undefined,
    uid: string | null | undefined,
    column: string,
  ): Promise<FoundImage> {
    const where = await this.#locate(path, uid, column);
    const known = this.known.get(where);
    if (known) return known;
    const bytes = await readFile(where);
    const image = decodePng(bytes, where);
    const { width, height } = this.size;
    if (image.width !== width || image.height !== height) {
      throw new RowError(
        `${where} has ${image.width}×${image.height} pixels, but the pipeline draws ${width}×${height}. Scale it, or name another pipeline.`,
      );
    }
    const found = { path: where, imageBlob: sha256(bytes), width, height };
    this.known.set(where, found);
    return found;
  }

  async #locate(
    path: string | null | undefined,
    uid: string | null | undefined,
    column: string,
  ): Promise<string> {
    const isHash = uid ? /^[0-9a-f]{64}$/.test(uid) : false;
    const beside = path ?? (uid ? join('images', `${uid}.png`) : undefined);
    if (beside === undefined) {
      throw new RowError(`neither ${column}_path nor ${column}_uid says which image is meant.`);
    }
    const whole = resolve(this.folder, beside);
    const inside = relative(this.folder, whole);
    if (inside.startsWith('..') || isAbsolute(inside)) {
      throw new RowError(
        `${column}_path "${beside}" leads out of ${this.folder}. Put the images beside the file.`,
      );
    }
    if (existsSync(whole)) return whole;
    // An export without its images, into the installation that it came from.
    if (isHash && (await hasBlob(uid as string))) {
      await getBlob(uid as string);
      return blobPath(uid as string);
    }
    throw new RowError(`${whole} does not exist. Put the PNG there, or name it in ${column}_path.`);
  }
}
