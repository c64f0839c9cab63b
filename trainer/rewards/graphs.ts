/**
 * @file The graphs of a reward model: read, and asked whether they take and
 * give what they must.
 */
import { type Graph, GraphError, type Port } from '@/trainer/graph/model';
import { locateExternalData } from '@/trainer/graph/onnx/external-data';
import { readOnnxFile } from '@/trainer/graph/onnx/read';
import { formatDims } from '@/trainer/graph/tensor';

/** Reads a graph that will become part of another. */
export async function openGraph(path: string): Promise<Graph> {
  return locateExternalData(await readOnnxFile(path));
}

/**
 * The input that takes the image: the one named, or the only one with four axes. Checked for RGB
 * and size.
 */
export function imagePort(graph: Graph, name: string | undefined, size?: number): Port {
  const candidates = graph.inputs.filter((port) =>
    name ? port.name === name : port.dims.length === 4,
  );
  const [port] = candidates;
  if (!port || candidates.length > 1) {
    const wanted = name ? `an input "${name}"` : 'one input of shape [n,3,height,width]';
    throw new GraphError(
      `${graph.source} takes ${listed(graph.inputs)}, where ${wanted} was expected for the image. Export it so, or name the input that takes the image.`,
    );
  }
  const [, channels, height, width] = port.dims;
  const fits = (dim: number | string | undefined, wanted: number | undefined) =>
    typeof dim === 'string' || wanted === undefined || dim === wanted;
  if (port.dims.length !== 4 || !fits(channels, 3)) {
    throw new GraphError(
      `${graph.source}: "${port.name}" has shape ${formatDims(port.dims)}, but images are RGB, [n,3,height,width]. Export a model that takes those.`,
    );
  }
  if (!fits(height, size) || !fits(width, size)) {
    throw new GraphError(
      `${graph.source}: "${port.name}" has shape ${formatDims(port.dims)}, but images come at ${size}×${size}. Correct the size, or export the model with that one.`,
    );
  }
  if (port.dtype !== 'float32' && port.dtype !== 'float16') {
    throw new GraphError(
      `${graph.source}: "${port.name}" takes ${port.dtype}, which has no gradient. Export the model with a floating-point image.`,
    );
  }
  return port;
}

/** An input or output by name; without a name one that is called `usual`, or the only one. */
export function portOf(
  graph: Graph,
  side: 'inputs' | 'outputs',
  name: string | undefined,
  usual?: string,
): Port {
  const ports = graph[side];
  const port =
    ports.find((candidate) => candidate.name === (name ?? usual)) ??
    (name === undefined && ports.length === 1 ? ports[0] : undefined);
  if (port) return port;
  const which = name ? `"${name}"` : 'which of them counts';
  throw new GraphError(
    `${graph.source} has the ${side} ${listed(ports)}, but ${which} is not ${name ? 'among them' : 'said'}. Name one of them in reward.json.`,
  );
}

/** @throws GraphError where a graph takes something that nobody feeds */
export function expectOnly(graph: Graph, fed: readonly string[]): void {
  const left = graph.inputs.filter((port) => !fed.includes(port.name));
  if (left.length === 0) return;
  throw new GraphError(
    `${graph.source} also takes ${listed(left)}, which a reward model is not given. Export it without, or name it in reward.json.`,
  );
}

export function listed(ports: readonly Port[]): string {
  return ports.map((port) => `${port.name} ${formatDims(port.dims)}`).join(', ') || 'nothing';
}
