/**
 * @file A TensorFlow.js network as it lies on disk: `model.json` (topology and weights manifest)
 * with its shards of bytes, or the same as modules of JavaScript, as packages bundle them.
 */
import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { z } from 'zod';
import { GraphError } from '@/trainer/graph/model';
import type { Tensor } from '@/trainer/graph/tensor';
import { manifestSchema, weightsOf } from './weights';

const signatureSchema = z.object({
  inputs: z.record(z.string(), z.unknown()).optional(),
  outputs: z.record(z.string(), z.object({ name: z.string().optional() })).optional(),
});

const modelSchema = z.object({
  modelTopology: z.record(z.string(), z.unknown()),
  weightsManifest: manifestSchema,
  signature: signatureSchema.optional(),
  userDefinedMetadata: z.object({ signature: signatureSchema.optional() }).optional(),
});

export interface TfjsModel {
  /** The file it was read from: errors name it. */
  source: string;
  /** A GraphDef as JSON, or Keras' description of layers. */
  topology: Record<string, unknown>;
  weights: ReadonlyMap<string, Tensor>;
  /** What its signature calls outputs; undefined where it has none. */
  outputs: string[] | undefined;
}

const bundled = '.min.js';

/**
 * Reads a network from its `.json` or `.min.js`. @throws GraphError naming the file and what is
 * wrong with it
 */
export async function readTfjs(source: string): Promise<TfjsModel> {
  const parsed = modelSchema.safeParse(await topologyIn(source));
  if (!parsed.success) {
    const [{ path, message } = { path: [], message: '' }] = parsed.error.issues;
    throw new GraphError(
      `${source} is no network of TensorFlow.js: ${path.join('.')} ${message}. Give the model.json of a graph model or a layers model, of TensorFlow.js 1 or newer.`,
    );
  }
  const { modelTopology, weightsManifest, signature, userDefinedMetadata } = parsed.data;
  const weights = new Map<string, Tensor>();
  for (const group of weightsManifest) {
    const shards = await Promise.all(group.paths.map((path) => shard(source, path)));
    for (const [name, value] of weightsOf(group, Buffer.concat(shards), source)) {
      weights.set(name, value);
    }
  }
  const signed = signature ?? userDefinedMetadata?.signature;
  return {
    source,
    topology: modelTopology,
    weights,
    outputs: signed?.outputs && Object.keys(signed.outputs),
  };
}

async function topologyIn(source: string): Promise<unknown> {
  if (source.endsWith(bundled)) return exportedBy(source);
  const text = await readFile(source, 'utf8').catch((cause: Error) => {
    throw new GraphError(`${source} cannot be read (${cause.message}).`);
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new GraphError(`${source} is no JSON (${(cause as Error).message}). Fetch it again.`);
  }
}

async function shard(source: string, path: string): Promise<Uint8Array> {
  if (/^([\\/]|[a-z]+:)/i.test(path) || path.split(/[\\/]/).includes('..')) {
    throw new GraphError(
      `${source} names the weights ${path}, which lie outside its folder. Put them beside it.`,
    );
  }
  const place = join(dirname(source), path);
  const module = `${place}${bundled}`;
  if (!isFile(place) && isFile(module)) {
    const base64 = await exportedBy(module);
    if (typeof base64 === 'string') return Buffer.from(base64, 'base64');
    throw new GraphError(`${module} does not export its bytes as base64. Fetch it again.`);
  }
  if (isFile(place)) return readFile(place);
  throw new GraphError(`${source} names the weights ${path}, which are not there. Fetch them.`);
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}

/**
 * What a module exports that holds data alone: it is run without anything of ours in reach, and its
 * export taken as JSON.
 */
async function exportedBy(path: string): Promise<unknown> {
  const code = await readFile(path, 'utf8');
  const module: { exports: unknown } = { exports: {} };
  try {
    runInContext(code, createContext({ module, exports: module.exports }), { timeout: 60_000 });
    return JSON.parse(JSON.stringify(module.exports));
  } catch (cause) {
    throw new GraphError(
      `${path} does not export a network's data (${(cause as Error).message}). Fetch it again.`,
    );
  }
}
