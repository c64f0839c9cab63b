/** @file A reward model that is a graph of its own: an image and what it wants of the prompt → a score. */
import { inline } from '@/trainer/graph/inline';
import { type Graph, GraphError } from '@/trainer/graph/model';
import { formatDims, type Tensor } from '@/trainer/graph/tensor';
import type { Reward } from './reward';

/**
 * The graph's input `image` takes [n, 3, H, W] in [0, 1]; its other inputs, of which the first axis is the image's, are
 * filled by `feeds`. Its one output is the score [n].
 */
export function graphReward(
  graph: Graph,
  name: string,
  feeds: Reward['feeds'] = async () => ({}),
): Reward {
  if (!graph.inputs.some((port) => port.name === 'image') || graph.outputs.length !== 1) {
    throw new GraphError(
      `${graph.source} takes ${graph.inputs.map((port) => port.name).join(', ')} and gives ${graph.outputs.map((port) => port.name).join(', ')}: a reward model takes "image" and gives one score. Export it so.`,
    );
  }
  return {
    name,
    append(b, images) {
      const n = b.dims(images)[0] as number;
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
      return Object.values(inline(b, graph, { feeds: Object.fromEntries(inputs) }))[0] as string;
    },
    feeds: (prompts): Promise<Record<string, Tensor>> => feeds(prompts),
  };
}
