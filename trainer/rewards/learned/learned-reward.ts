/**
 * @file A learned reward at work: score = wᵀ(f − μ)/σ + c, on the features of the base policy's
 * UNet under the prompt.
 */
import { type Conditioning, stacked } from '@/trainer/diffusion/pipelines/conditioning';
import { float32, type Tensor } from '@/trainer/graph/tensor';
import type { Reward } from '../reward';
import { appendFeatures, type FeatureNetworks } from './features';
import type { Head } from './head';

export function learnedReward(
  name: string,
  head: Head,
  networks: FeatureNetworks,
  encode: (prompt: string) => Promise<Conditioning>,
): Reward {
  const { conditioning } = networks.pipeline;
  const inputOf = (port: string) => `reward.${port}`;
  return {
    name,
    append(b, images) {
      const n = b.dims(images)[0]!;
      const features = appendFeatures(
        b,
        networks,
        images,
        Object.fromEntries(
          Object.entries(conditioning).map(([port, dims]) => [
            port,
            b.input(inputOf(port), 'float32', [n, ...dims]),
          ]),
        ),
      );
      const width = b.dims(features)[1]!;
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
      const feeds = Object.entries(stacked(conditioning, rows));
      return Object.fromEntries(feeds.map(([port, value]) => [inputOf(port), value]));
    },
  };
}
