/** @file Scoring finished images, for methods that need no gradient of a reward and for measuring what training did. */
import { Builder } from '@/trainer/graph/builder';
import { externalDataFolderOf } from '@/trainer/graph/onnx/external-data';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32 } from '@/trainer/graph/tensor';
import { type Engine, outputOf } from '@/trainer/runtime/engine';
import type { Reward } from './reward';

/** Images that are scored together; always as many. */
export interface ScoredBatch {
  images: number;
  height: number;
  width: number;
}

export interface Scorer {
  /** Name and version; scores of different versions are never compared. */
  name: string;
  /** One score per image. @param pixels [images, 3, height, width] in [0, 1] */
  score(pixels: Float32Array, prompts: readonly string[]): Promise<Float32Array>;
  release(): Promise<void>;
}

/** Makes ready to score batches of this size; what needs no engine leaves it alone. */
export type OpenScorer = (engine: Engine, batch: ScoredBatch) => Promise<Scorer>;

/** Scores by a reward's graph, forward only. */
export function scorerOf(reward: Reward): OpenScorer {
  return async (engine, { images, height, width }) => {
    const dims = [images, 3, height, width];
    const b = new Builder('reward score');
    const pixels = b.input('pixels', 'float32', dims);
    b.output(reward.append(b, pixels), 'score');
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
        return outputOf(await session.run(feeds), 'score', 'float32').data;
      },
      release: () => session.release(),
    };
  };
}
