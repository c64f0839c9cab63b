/** @file Finished networks as ONNX files: weights as constants, any batch size. */
import { Builder } from '@/trainer/graph/builder';
import type { Constant, Graph } from '@/trainer/graph/model';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { Layers } from '../networks/layers';
import type { Network } from './training';

/** Any batch would do to build with; this one is no size that a network uses for something else. */
export const TRACED_BATCH = 3;

/** An ONNX file of `network`, built for `TRACED_BATCH` and opened to any batch. */
export function portableNetwork(
  name: string,
  weights: ReadonlyMap<string, Constant>,
  network: Network,
): Uint8Array {
  const builder = new Builder(name);
  const layers = new Layers(builder, (weight, dims) => {
    const constant = weights.get(weight);
    if (!constant) throw new Error(`${name} lacks the weight "${weight}"; train it again.`);
    if (constant.dims.join() !== dims.join()) {
      throw new Error(
        `${name}: "${weight}" has shape [${constant.dims}], not [${dims}]; train it again.`,
      );
    }
    return builder.has(weight) ? weight : builder.constant(weight, constant);
  });
  for (const [output, value] of Object.entries(network(layers))) builder.output(value, output);
  return serializeOnnx(openBatch(builder.finish()));
}

/**
 * Names the leading dimension of inputs and outputs where it is the traced batch, as Optimum does.
 */
function openBatch(graph: Graph): Graph {
  for (const port of [...graph.inputs, ...graph.outputs]) {
    // One timestep for all rows is as good as one for each.
    const batch = port.name === 'timestep' ? 'steps' : 'batch_size';
    if (port.dims[0] === TRACED_BATCH) port.dims = [batch, ...port.dims.slice(1)];
  }
  return graph;
}
