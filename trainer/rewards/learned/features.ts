/**
 * @file What a learned reward sees: the base policy's own denoiser looking at an image that is
 * almost clean. Its activations know what it draws, so a few dozen picks suffice to say which of
 * them people like (the idea of latent reward models: Zhang et al., "Diffusion Model as a
 * Noise-Aware Latent Reward Model", arXiv 2502.01051). The UNet is frozen and reads the prompt.
 */
import { castToPorts, takesScalarTimestep, timestepFeed } from '@/trainer/diffusion/denoise/inputs';
import { appendLatents, vaeEncoderOf } from '@/trainer/diffusion/images/vae-encoder';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import type { Builder, Value } from '@/trainer/graph/builder';
import { inline } from '@/trainer/graph/inline';
import { type Graph, GraphError, type Node } from '@/trainer/graph/model';
import { nodeScopes } from '@/trainer/graph/onnx/node-scopes';
import { withConstantsInMemory } from '@/trainer/graph/onnx/read';

/**
 * The timestep that the UNet is told: late enough that it looks for details, early enough that it
 * looks for meaning.
 */
const timestep = 151;

/** Keeps the root of a variance differentiable where all positions are equal. */
const leastVariance = 1e-6;

/**
 * The pipeline's networks with their weights in memory: the graph that reads an image is made of
 * several files.
 */
export interface FeatureNetworks {
  pipeline: Pipeline;
  encoder: Graph;
  denoiser: Graph;
}

export async function openFeatureNetworks(pipeline: Pipeline): Promise<FeatureNetworks> {
  return {
    pipeline,
    encoder: await withConstantsInMemory(vaeEncoderOf(pipeline).graph),
    denoiser: await withConstantsInMemory(pipeline.denoiser.graph),
  };
}

/**
 * Appends the features [n, width] of `images` [n, 3, H, W] in [0, 1] under `context`, what the UNet
 * is told of the prompts by port, [n, …]: mean, standard deviation and maximum over positions of
 * every level's channels.
 */
export function appendFeatures(
  b: Builder,
  { pipeline, encoder, denoiser }: FeatureNetworks,
  images: Value,
  context: Readonly<Record<string, Value>>,
): Value {
  const n = b.dims(images)[0]!;
  const steps = timestepFeed(takesScalarTimestep(denoiser), Array<number>(n).fill(timestep));
  const levels = new Map<string, Value>();
  inline(b, denoiser, {
    prefix: 'features.',
    feeds: castToPorts(b, denoiser, {
      sample: appendLatents(b, encoder, images, pipeline),
      timestep: b.tensor(steps),
      context,
    }),
    onNode(_, node, outputs) {
      const found = pipeline.layout.level.exec(modulePath(node));
      if (found && positionsOf[b.dims(outputs[0]!).length]) {
        levels.set((found[1] ?? found[2])!, b.cast(outputs[0]!, 'float32'));
      }
      return outputs;
    },
  });
  if (levels.size === 0) {
    throw new GraphError(
      `${denoiser.source} does not say which of its nodes belong to which block, so a learned reward cannot find its levels. Export it with Optimum, module names kept.`,
    );
  }
  return b.concat(
    [...levels.values()].map((level) => appendPooled(b, level)),
    1,
  );
}

/** The module that a node is of, with dots, as either exporter says it. */
function modulePath(node: Node): string {
  const { name } = node;
  return name.startsWith('/')
    ? name.slice(1).replaceAll('/', '.')
    : (nodeScopes(node).at(-2) ?? '');
}

/** The axes of positions by rank: those of [n, channels, h, w], and of [n, tokens, channels]. */
const positionsOf: Readonly<Record<number, readonly number[]>> = { 3: [1], 4: [2, 3] };

function appendPooled(b: Builder, level: Value): Value {
  const dims = b.dims(level);
  const positions = positionsOf[dims.length]!;
  const mean = b.reduceMean(level, positions, true);
  const apart = b.sub(level, mean);
  const variance = b.reduceMean(b.mul(apart, apart), positions, false);
  const deviation = b.op('Sqrt', [b.add(variance, b.scalar(leastVariance))]);
  const most = b.op('ReduceMax', [level, b.ints(positions)], { keepdims: 0 });
  const n = dims[0]!;
  const channels = dims[dims.length === 3 ? 2 : 1]!;
  return b.concat([b.reshape(mean, [n, channels]), deviation, most], 1);
}
