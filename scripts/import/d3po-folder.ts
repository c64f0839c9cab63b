/**
 * @file A folder as yk7333/d3po's `scripts/sample.py` writes it (`prompt.json` with the prompt of
 * each group, `images/00000.png` and on, group by group), and beside it a folder with a file of
 * JSON for each person: a list of groups, each a list of scores. Source: `scripts/utils.py` there.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { AppError } from '@/lib/errors';

const promptsSchema = z.array(z.string().trim().min(1).max(10_000)).min(1);
const scoresSchema = z.array(z.array(z.number()).min(2)).min(1);

export interface D3poGroup {
  prompt: string;
  /** Paths from the folder. */
  images: string[];
  /** Of those who saw it. */
  scores: { userId: string; scores: number[] }[];
}

export interface D3poFolder {
  groups: D3poGroup[];
  /** Of all files with prompts and scores. */
  sha256: string;
}

/** Throws 'unprocessable' where a file is missing or says something else. */
export async function readD3poFolder(folder: string, scoresFolder: string): Promise<D3poFolder> {
  const hash = createHash('sha256');
  const read = async <T>(path: string, schema: z.ZodType<T>, wanted: string): Promise<T> => {
    const bytes = await readFile(path).catch(() => {
      throw unfit(`${path} cannot be read. It is to hold ${wanted}.`);
    });
    hash.update(bytes);
    const parsed = schema.safeParse(jsonIn(bytes.toString('utf8')));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const where = issue?.path.length ? ` (at ${issue.path.join('.')}: ${issue.message})` : '';
    throw unfit(`${path} does not hold ${wanted}${where}.`);
  };
  const prompts = await read(join(folder, 'prompt.json'), promptsSchema, 'a list of prompts');
  const names = (await readdir(scoresFolder).catch(() => [])).filter((one) => /\.json$/i.test(one));
  if (names.length === 0) {
    throw unfit(`${scoresFolder} has no file of JSON. Give the folder with one for each person.`);
  }
  const files: { path: string; userId: string; scores: number[][] }[] = [];
  for (const name of names.sort()) {
    const path = join(scoresFolder, name);
    const wanted = 'a list of groups, each a list of scores';
    const scores = await read(path, scoresSchema, wanted);
    files.push({ path, userId: basename(name, name.slice(-5)), scores });
  }
  const size = files[0]!.scores[0]!.length;
  for (const { path, scores } of files) {
    const odd = scores.findIndex((group) => group.length !== size);
    if (odd >= 0) {
      const found = scores[odd]!.length;
      throw unfit(`${path} has ${found} scores for group ${odd + 1}, and others have ${size}.`);
    }
    if (scores.length > prompts.length) {
      throw unfit(
        `${path} has ${scores.length} groups, and prompt.json ${prompts.length} prompts. Give the folder that these scores are about.`,
      );
    }
  }
  return {
    sha256: hash.digest('hex'),
    groups: prompts.map((prompt, at) => ({
      prompt,
      images: Array.from({ length: size }, (_, place) => imageName(at * size + place)),
      scores: files.flatMap(({ userId, scores }) => {
        const own = scores[at];
        return own ? [{ userId, scores: own }] : [];
      }),
    })),
  };
}

const imageName = (number: number) => `images/${String(number).padStart(5, '0')}.png`;

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const unfit = (message: string) => new AppError('unprocessable', message);
