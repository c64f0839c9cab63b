/** @file A learned reward at work: score = wᵀ(f − μ)/σ + c, on the features of the base policy's UNet under the prompt. */
import type { Tensor } from '@/trainer/graph/tensor';
import { concatenated, float32 } from '@/trainer/graph/tensor';
import type { Reward } from '../reward';
import { appendFeatures, type FeatureNetworks } from './features';
import type { Head } from './head';

/** @param encode text embedding of a prompt, [tokens, width] */
export function learnedReward(
  name: string,
  head: Head,
  networks: FeatureNetworks,
  encode: (prompt: string) => Promise<Float32Array>,
): Reward {
  const { tokenizer, embeddingSize } = networks.pipeline;
  const context = [tokenizer.maxLength, embeddingSize];
  return {
    name,
    append(b, images) {
      const n = b.dims(images)[0] as number;
      const features = appendFeatures(
        b,
        networks,
        images,
        b.input('rewardContext', 'float32', [n, ...context]),
      );
      const width = b.dims(features)[1] as number;
      if (width !== head.weights.length) {
        throw new RangeError(
          `The reward model "${name}" reads ${head.weights.length} features, but this pipeline has ${width}. Train one for this pipeline.`,
        );
      }
      const row = (values: Float32Array) => b.tensor(float32([1, width], values));
      const standardized = b.div(b.sub(features, row(head.mean)), row(head.deviation));
      const score = b.reduceSum(b.mul(standardized, row(head.weights)), [1], false);
      return b.add(score, b.scalar(head.intercept));
    },
    async feeds(prompts): Promise<Record<string, Tensor>> {
      const rows = await Promise.all(prompts.map(encode));
      return { rewardContext: float32([prompts.length, ...context], concatenated(rows)) };
    },
  };
}
