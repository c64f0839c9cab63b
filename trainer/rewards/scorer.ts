/**
 * @file Scoring finished images, for methods that need no gradient of a reward and for measuring
 * what training did.
 */
import { fuseAttention } from '@/trainer/graph/attention/fuse';
import { Builder } from '@/trainer/graph/builder';
import { externalDataFolderOf } from '@/trainer/graph/onnx/external-data';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, type Tensor } from '@/trainer/graph/tensor';
import { type Engine, outputOf } from '@/trainer/runtime/engine';
import { appendScored, type Reward, type ScoredParts } from './reward';

/** Images that are scored together; always as many. */
export interface ScoredBatch {
  images: number;
  height: number;
  width: number;
}

/** One score per image. */
export interface Scored {
  scores: Float32Array;
  /** Of a combined reward each term's own, before weight, hinge and scale, by the term's name. */
  parts: Record<string, Float32Array>;
}

export interface Scorer {
  /** Name and version; scores of different versions are never compared. */
  name: string;
  /** @param pixels [images, 3, height, width] in [0, 1] */
  score(pixels: Float32Array, prompts: readonly string[]): Promise<Scored>;
  release(): Promise<void>;
}

/** Makes ready to score batches of this size; what needs no engine leaves it alone. */
export type OpenScorer = (engine: Engine, batch: ScoredBatch) => Promise<Scorer>;

/** Terms have names of any kind, outputs of graphs have not. */
const partOutput = (i: number) => `part.${i}`;

/** Makes a reward's terms outputs of the graph. Returns how to read them from a run, by name. */
export function outputParts(b: Builder, parts: ScoredParts['parts']) {
  const names = Object.keys(parts);
  for (const [i, name] of names.entries()) b.output(parts[name]!, partOutput(i));
  return (out: Record<string, Tensor>): Record<string, Float32Array> =>
    Object.fromEntries(
      names.map((name, i) => [name, outputOf(out, partOutput(i), 'float32').data]),
    );
}

/** Scores by a reward's graph, forward only. */
export function scorerOf(reward: Reward): OpenScorer {
  return async (engine, { images, height, width }) => {
    const dims = [images, 3, height, width];
    const b = new Builder('reward score');
    const pixels = b.input('pixels', 'float32', dims);
    const { score, parts } = appendScored(reward, b, pixels);
    b.output(score, 'score');
    const readParts = outputParts(b, parts);
    fuseAttention(b);
    const graph = b.finish();
    const externalDataFolder = await externalDataFolderOf(graph, '.');
    const session = await engine.load(serializeOnnx(graph), {
      name: `score ${reward.name}`,
      ...(externalDataFolder && { externalDataFolder }),
    });
    return {
      name: reward.name,
      async score(values, prompts) {
        const feeds = { ...(await reward.feeds(prompts)), pixels: float32(dims, values) };
        const out = await session.run(feeds);
        return { scores: outputOf(out, 'score', 'float32').data, parts: readParts(out) };
      },
      release: () => session.release(),
    };
  };
}
