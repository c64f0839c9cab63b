/** @file A network of TensorFlow.js as an ONNX graph. */
import { Builder } from '@/trainer/graph/builder';
import { type Graph, GraphError } from '@/trainer/graph/model';
import { convertLayers } from './keras';
import { type Held, Layers } from './layers';
import { lastNodes, nodesFor, placeholderDims, type TfNode, valueName } from './nodes';
import { operators } from './operators';
import type { TfjsModel } from './read';

export interface Wanted {
  /** Names of outputs; those of the signature, or the last nodes, unless told. */
  outputs?: readonly string[];
  /**
   * Values that are fed, with their shapes in TensorFlow's order (placeholders know theirs). A
   * value within the graph may be one: what comes before it is left out.
   */
  inputs?: Readonly<Record<string, readonly number[]>>;
}

/**
 * Converts a network. Images go in as [1, channels, height, width]; what comes out has
 * TensorFlow's order of axes and TensorFlow's names. @throws GraphError naming file, node and
 * operator where one has no meaning here
 */
export function convertTfjs(model: TfjsModel, wanted: Wanted = {}): Graph {
  const b = new Builder(model.source);
  const layers = new Layers(b);
  const results =
    'node' in model.topology ? convertNodes(layers, model, wanted) : convertLayers(layers, model);
  for (const [name, held] of results) b.output(layers.plain(held), outputName(name));
  return b.finish();
}

/** `Identity_1:0` is known as `Identity_1`. */
function outputName(name: string): string {
  return valueName(name);
}

function convertNodes(layers: Layers, model: TfjsModel, wanted: Wanted): [string, Held][] {
  const fed = wanted.inputs ?? {};
  const outputs = (wanted.outputs ?? model.outputs ?? lastNodes(model)).map(valueName);
  const values = new Map<string, Held>();
  for (const node of nodesFor(model, outputs, new Set(Object.keys(fed)))) {
    const made = [heldOf(layers, model, node, fed[node.name], values)].flat();
    made.forEach((held, i) => {
      values.set(i === 0 ? node.name : `${node.name}:${i}`, held);
    });
  }
  return outputs.map((output) => [output, values.get(output)!]);
}

function heldOf(
  layers: Layers,
  model: TfjsModel,
  node: TfNode,
  fed: readonly number[] | undefined,
  values: ReadonlyMap<string, Held>,
): Held | Held[] {
  try {
    if (fed || node.op === 'Placeholder') return input(layers, node, fed);
    if (node.op === 'Const') {
      const weights = model.weights.get(node.name);
      if (!weights) throw new GraphError('the manifest has no weights of that name');
      return layers.constant(weights);
    }
    const rule = operators[node.op];
    if (!rule) throw new GraphError('this operator has no meaning here');
    const inputs = node.inputs.map((name) => values.get(name));
    const missing = inputs.indexOf(undefined);
    if (missing >= 0) throw new GraphError(`"${node.inputs[missing]}" is no output of a node`);
    return rule(layers, inputs as Held[], node);
  } catch (cause) {
    throw new GraphError(
      `${model.source}, node "${node.name}" (${node.op}): ${(cause as Error).message}. The operators that can be converted stand in trainer/formats/tfjs/operators.ts.`,
    );
  }
}

/** Of unknown sizes only that of a batch can be filled in: one image. */
function input(layers: Layers, node: TfNode, fed: readonly number[] | undefined): Held {
  const [n, ...rest] = fed ?? placeholderDims(node) ?? [];
  if (n === undefined || rest.some((dim) => dim < 1)) {
    throw new GraphError('its shape is not known beforehand; say which it is');
  }
  const dims = [Math.max(n, 1), ...rest];
  if (dims.length === 4) return layers.image(node.name, dims);
  return { value: layers.b.input(node.name, 'float32', dims), isPlanes: false };
}
