/**
 * @file From latents to the loss of their images under a reward model, and back: decoder, reward
 * and product in one graph.
 */
import { gradients } from '@/trainer/autodiff/gradients';
import { withinMemory } from '@/trainer/autodiff/plan';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { Builder, type Value } from '@/trainer/graph/builder';
import { inline } from '@/trainer/graph/inline';
import type { Graph } from '@/trainer/graph/model';
import { appendScored, type Reward } from '@/trainer/rewards/reward';
import { outputParts } from '@/trainer/rewards/scorer';

/**
 * Inputs: `latents` [images, C, H, W], `share` (of each image in the loss) and what the reward
 * declares. Outputs: `reward` and `loss` [images], unweighted, and `latentGradient`: share·Σ loss
 * differentiated by the latents; `spread` [images] where the reward knows it; of a combined reward
 * each term's own, which `readParts` finds in a run. Pixels are clamped to [0, 1], so a saturated
 * one has no gradient.
 */
export function buildRewardStep(
  pipeline: Pick<Pipeline, 'vaeDecoder' | 'latentShape' | 'scalingFactor' | 'shiftFactor'>,
  images: number,
  reward: Reward,
  { lossOf, memoryBytes }: { lossOf: (b: Builder, reward: Value) => Value; memoryBytes?: number },
): { graph: Graph; readParts: ReturnType<typeof outputParts> } {
  const { graph } = pipeline.vaeDecoder;
  let readParts: ReturnType<typeof outputParts> = () => ({});
  const built = withinMemory(memoryBytes, (recompute) => {
    const b = new Builder('reward step');
    b.graph.source = graph.source;
    const latents = b.input('latents', 'float32', [images, ...pipeline.latentShape]);
    const share = b.input('share', 'float32', []);
    const unscaled = b.add(
      b.scale(latents, 1 / pipeline.scalingFactor),
      b.scalar(pipeline.shiftFactor),
    );
    const { sample } = inline(b, graph, { feeds: { latent_sample: unscaled } });
    const shifted = b.add(b.scale(sample as Value, 0.5), b.scalar(0.5));
    const pixels = b.op('Clip', [shifted, b.scalar(0), b.scalar(1)]);
    const scored = appendScored(reward, b, pixels);
    const score = b.reshape(scored.score, [images]);
    const loss = b.reshape(lossOf(b, score), [images]);
    const total = b.mul(b.reduceSum(loss, [0], false), share);
    const [latentGradient] = gradients(b, { of: total, wrt: [latents], recompute });
    readParts = outputParts(b, scored.parts);
    b.output(score, 'reward');
    if (scored.spread) b.output(b.reshape(scored.spread, [images]), 'spread');
    b.output(loss, 'loss');
    b.output(latentGradient as Value, 'latentGradient');
    return b;
  });
  return { graph: built, readParts };
}
