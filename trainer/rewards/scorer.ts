/** @file Scoring finished images: all that a method needs of a reward which it does not differentiate. */
import { Builder } from '@/trainer/graph/builder';
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
  /** Name and version of what scores. */
  name: string;
  /** One score per image. @param pixels [images, 3, height, width] in [0, 1] */
  score(pixels: Float32Array, prompts: readonly string[]): Promise<Float32Array>;
  release(): Promise<void>;
}

/** Makes ready to score batches of this size; what needs no engine leaves it alone. */
export type OpenScorer = (engine: Engine, batch: ScoredBatch) => Promise<Scorer>;

/** Scores by a reward model, forward only. */
export function scorerOf(reward: Reward): OpenScorer {
  return async (engine, { images, height, width }) => {
    const b = new Builder('reward score');
    const dims = [images, 3, height, width];
    const pixels = b.input('pixels', 'float32', dims);
    b.output(b.reshape(reward.append(b, pixels), [images]), 'score');
    const { externalDataFolder } = reward;
    const session = await engine.load(serializeOnnx(b.finish()), {
      name: `reward ${reward.name}`,
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
