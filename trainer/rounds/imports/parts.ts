/**
 * @file What a pipeline consists of, in numbers for people: as its files have it, before anything
 * is made of them.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FoundPart } from '@/lib/pipeline-imports';
import { GraphError } from '@/trainer/graph/model';
import { dtypeOf } from '@/trainer/graph/onnx/dtypes';
import { decode, type Message } from '@/trainer/graph/onnx/messages';
import { elementBytes, sizeOf } from '@/trainer/graph/tensor';

/** Parts that draw nothing: they measure, or look at finished images. */
const aside = new Set(['lpips', 'safety_checker']);

/** The folders of a pipeline that hold a network. */
export async function partNames(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names
    .filter((name) => !aside.has(name) && existsSync(join(folder, name, 'model.onnx')))
    .sort();
}

/** One network. @throws GraphError where its file is no whole model */
export async function partOf(folder: string, name: string): Promise<FoundPart> {
  const path = join(folder, name, 'model.onnx');
  const graph = await modelIn(path);
  const { nodes, initializers } = graph.graph as Record<'nodes' | 'initializers', Message[]>;
  const constants = nodes
    .filter(({ op }) => op === 'Constant')
    .flatMap(({ attributes }) =>
      (attributes as Message[]).flatMap(({ t }): Message[] => (t ? [t as Message] : [])),
    );
  const bytesOf = new Map<string, number>();
  for (const { dims, dataType } of [...initializers, ...constants]) {
    const dtype = dtypeOf(Number(dataType ?? 0));
    if (!dtype) continue;
    const bytes = sizeOf((dims as number[]).map(Number)) * elementBytes(dtype);
    bytesOf.set(dtype, (bytesOf.get(dtype) ?? 0) + bytes);
  }
  const [most] = [...bytesOf].sort(([, a], [, b]) => b - a);
  const own = (graph.opsets as Message[]).find(({ domain }) => !domain || domain === 'ai.onnx');
  return {
    name,
    opset: Number(own?.version ?? 0),
    dtype: most?.[0] ?? 'none',
    bytes: [...bytesOf.values()].reduce((sum, bytes) => sum + bytes, 0),
    operators: nodes.length,
  };
}

async function modelIn(path: string): Promise<Message> {
  const bytes = await readFile(path);
  try {
    const model = decode('Model', bytes);
    if (model.graph) return model;
  } catch (cause) {
    throw new GraphError(
      `${path} is not a complete ONNX model (${(cause as Error).message}): the file is truncated or corrupt. Export or download it again.`,
    );
  }
  throw new GraphError(
    `${path} holds no ONNX graph. Give a model.onnx, not its external data or another file.`,
  );
}
