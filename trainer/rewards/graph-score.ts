/** @file Any reward as a plain score: for methods that need no gradient, and for measuring what training did. */
import { Builder } from '@/trainer/graph/builder';
import { externalDataFolderOf } from '@/trainer/graph/onnx/external-data';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { formatDims, type Tensor } from '@/trainer/graph/tensor';
import { type Engine, outputOf, type Session } from '@/trainer/runtime/engine';
import type { PixelScore, Reward } from './reward';

/** Scores by a reward's graph, without its gradient. One graph is kept per shape of images; releases the reward, too. */
export function scoreOf(engine: Engine, reward: Reward): PixelScore {
  const sessions = new Map<string, Promise<Session>>();
  const sessionFor = (dims: readonly number[]) => {
    const key = formatDims(dims);
    const session = sessions.get(key) ?? load(engine, reward, dims);
    sessions.set(key, session);
    return session;
  };
  return {
    name: reward.name,
    async score(images: Tensor<'float32'>, prompts) {
      const session = await sessionFor(images.dims);
      const out = await session.run({ images, ...(await reward.feeds(prompts)) });
      return outputOf(out, 'score', 'float32').data;
    },
    async release() {
      for (const session of sessions.values()) await (await session).release();
      sessions.clear();
      await reward.release?.();
    },
  };
}

async function load(engine: Engine, reward: Reward, dims: readonly number[]): Promise<Session> {
  const b = new Builder(reward.name);
  const images = b.input('images', 'float32', dims);
  b.output(reward.append(b, images), 'score');
  const graph = b.finish();
  const externalDataFolder = await externalDataFolderOf(graph, '.');
  return engine.load(serializeOnnx(graph), {
    name: `score ${reward.name}`,
    ...(externalDataFolder && { externalDataFolder }),
  });
}
