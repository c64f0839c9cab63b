/**
 * @file A reward model that is one graph without a manifest: an image and what it wants of the
 * prompt → a score.
 */
import { inline } from '@/trainer/graph/inline';
import { type Graph, GraphError } from '@/trainer/graph/model';
import { formatDims } from '@/trainer/graph/tensor';
import { imagePort, listed } from '@/trainer/rewards/graphs';
import type { Reward } from '@/trainer/rewards/reward';
import { perImage } from '@/trainer/rewards/scores';

/**
 * The graph's input `image` takes [n, 3, H, W] in [0, 1]; its other inputs, of which the first axis
 * is the image's, are filled by `feeds`. Its one output is the score [n].
 */
export function graphReward(
  graph: Graph,
  name: string,
  feeds: Reward['feeds'] = async () => ({}),
): Reward {
  imagePort(graph, 'image');
  const [output] = graph.outputs;
  if (!output || graph.outputs.length !== 1) {
    throw new GraphError(
      `${graph.source} gives ${listed(graph.outputs)}: a reward model gives one score per image. Export it so, or describe it in a reward.json.`,
    );
  }
  return {
    name,
    append(b, images) {
      const n = b.dims(images)[0]!;
      const inputs = graph.inputs.map((port) => {
        if (port.name === 'image') return [port.name, images];
        const dims = [n, ...port.dims.slice(1)];
        const open = dims.some((dim) => typeof dim !== 'number');
        if (open) {
          throw new GraphError(
            `${graph.source}: input "${port.name}" of shape ${formatDims(port.dims)} needs numbers beyond its first axis. Export it with a fixed size.`,
          );
        }
        return [port.name, b.input(port.name, port.dtype, dims as number[])];
      });
      const scored = inline(b, graph, { feeds: Object.fromEntries(inputs) });
      return perImage(b, scored[output.name]!, n, graph.source);
    },
    feeds: (prompts) => feeds(prompts),
  };
}
