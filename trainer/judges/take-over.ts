/** @file Takes over a judge's networks: converted, tried, and only then kept in the data folder. */
import { keepJudgeFile } from '@/db/policies/judge-files';
import { type Graph, GraphError } from '@/trainer/graph/model';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, sizeOf } from '@/trainer/graph/tensor';
import type { Engine } from '@/trainer/runtime/engine';
import { convertJudge, type FoundJudge } from './packages';

/**
 * Converts and tries every network of a judge; once all are sound they are kept. Returns their
 * hashes by role. @throws GraphError naming a network that cannot be converted, or that gives the
 * same or no numbers for all images
 */
export async function takeOver(engine: Engine, found: FoundJudge): Promise<Record<string, string>> {
  const converted = Object.entries(await convertJudge(found));
  const sound: [role: string, bytes: Uint8Array][] = [];
  for (const [role, graph] of converted) {
    const bytes = serializeOnnx(graph);
    await tryNetwork(engine, graph, bytes);
    sound.push([role, bytes]);
  }
  const kept: Record<string, string> = {};
  for (const [role, bytes] of sound) kept[role] = await keepJudgeFile(bytes);
  return kept;
}

/** Shows it a dark and a bright pattern. */
async function tryNetwork(engine: Engine, graph: Graph, bytes: Uint8Array): Promise<void> {
  const [input] = graph.inputs;
  const dims = input!.dims as number[];
  const session = await engine.load(bytes, { name: graph.source });
  try {
    const seen: Float32Array[] = [];
    for (const [low, high] of [
      [0, 0.4],
      [0.5, 1],
    ] as const) {
      const pattern = Float32Array.from({ length: sizeOf(dims) }, (_, i) =>
        i % 7 < 3 ? low : high,
      );
      const outputs = Object.values(await session.run({ [input!.name]: float32(dims, pattern) }));
      seen.push(Float32Array.from(outputs.flatMap(({ data }) => Array.from(data, Number))));
    }
    const [dark, bright] = seen;
    if (!dark!.every(Number.isFinite) || !bright!.every(Number.isFinite)) {
      throw new GraphError(
        `${graph.source} gives numbers that are none (NaN or infinite). The package's files are not whole; install it again.`,
      );
    }
    if (dark!.every((value, i) => value === bright![i])) {
      throw new GraphError(
        `${graph.source} gives the same numbers for every image. The package's files are not whole; install it again.`,
      );
    }
  } finally {
    await session.release();
  }
}
