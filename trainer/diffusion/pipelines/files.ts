/**
 * @file Reading the files of a pipeline's folder, with errors that name the file and say what to
 * do.
 */
import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { PipelineError } from '../pipeline-error';

/** A text file's contents, or undefined where `path` does not exist. */
async function readTextIfThere(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined;
    throw new PipelineError(`${path} cannot be read: ${cause.message}`, { cause });
  });
}

/** A text file's contents. */
export async function readText(path: string): Promise<string> {
  const text = await readTextIfThere(path);
  if (text === undefined) {
    throw new PipelineError(
      `${path} does not exist. Give the folder of a pipeline exported by Optimum (optimum-cli export onnx).`,
    );
  }
  return text;
}

/**
 * Python writes numbers that JSON has not, as diffusers does into every DPM-Solver's file
 * (`lambda_min_clipped`). Outside of strings, an infinity becomes a number too large for a double,
 * and NaN null.
 */
function withoutPythonNumbers(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|Infinity|NaN/g, (part) => {
    if (part === 'NaN') return 'null';
    return part === 'Infinity' ? '1e999' : part;
  });
}

/** Checks JSON text against a schema; `path` is the name for errors. */
function parseJson<Schema extends z.ZodType>(
  text: string,
  path: string,
  schema: Schema,
): z.output<Schema> {
  let json: unknown;
  try {
    json = JSON.parse(withoutPythonNumbers(text));
  } catch (cause) {
    throw new PipelineError(
      `${path} is no JSON: ${(cause as Error).message}. Download or export it again.`,
    );
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => {
    const where = issue.path.join('.');
    return where ? `${where}: ${issue.message}` : issue.message;
  });
  throw new PipelineError(`${path} does not say what it must. ${issues.join('; ')}.`);
}

/** Reads a JSON file and checks it against a schema. */
export async function readJson<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
): Promise<z.output<Schema>> {
  return parseJson(await readText(path), path, schema);
}

/** The same for a file that may be absent: then the schema's defaults hold. */
export async function readJsonIfThere<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
): Promise<z.output<Schema>> {
  return parseJson((await readTextIfThere(path)) ?? '{}', path, schema);
}
