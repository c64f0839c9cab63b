/**
 * @file A learned reward at work: score = wᵀz + c, z = (f − μ)/σ, on the features f of the base
 * policy's UNet under the prompt; and its spread, √Σ (d_kᵀz)², where the head knows it.
 */
import { type Conditioning, stacked } from '@/trainer/diffusion/pipelines/conditioning';
import type { Builder, Value } from '@/trainer/graph/builder';
import { concatenated, float32, type Tensor } from '@/trainer/graph/tensor';
import type { Reward, ScoredParts } from '../reward';
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
  const appendParts = (b: Builder, images: Value): ScoredParts => {
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
    const linear = b.reduceSum(b.mul(standardized, row(head.weights)), [1], false);
    const score = b.add(linear, b.scalar(head.intercept));
    if (!head.spread) return { score, parts: {} };
    const { length } = head.spread;
    const rows = b.tensor(float32([length, width], concatenated(head.spread)));
    const apart = b.matmul(standardized, b.transpose(rows, [1, 0]));
    const variance = b.reduceSum(b.mul(apart, apart), [1], false);
    return { score, parts: {}, spread: b.op('Sqrt', [variance]) };
  };
  return {
    name,
    append: (b, images) => appendParts(b, images).score,
    appendParts,
    async feeds(prompts): Promise<Record<string, Tensor>> {
      const rows = await Promise.all(prompts.map(encode));
      const feeds = Object.entries(stacked(conditioning, rows));
      return Object.fromEntries(feeds.map(([port, value]) => [inputOf(port), value]));
    },
  };
}
