/**
 * @file The one language of graphs here: standard operators in the forms of opset 18, for which
 * every device of ONNX Runtime has kernels. What comes in other words, from opset 11 to 26 or from
 * ONNX Runtime's optimizer, is said in these, row by row; what cannot be is refused. Shapes are
 * known when that is done, which makes most rows a formula.
 */
import type { Builder, Value } from '../builder';
import { GraphError, type Node, place } from '../model';
import { activations, fusedActivations } from './activations';
import { attentions, fusedAttentions } from './attention';
import { fusedProducts } from './fused';
import { fusedNormalizations, normalizations } from './normalizations';
import { attributeToInput, batchNormalization, dropout, overTheRest, resize, split } from './older';
import { others } from './others';
import { Scope, type Translation } from './scope';

/** Operators that meant or looked something else before an opset. */
const before: Record<string, { opset: number; translate: Translation }> = {
  Split: { opset: 18, translate: split },
  Resize: { opset: 18, translate: resize },
};
const reductions = 'Max Mean Min Prod L1 L2 LogSum LogSumExp SumSquare';
for (const name of reductions.split(' ')) {
  before[`Reduce${name}`] = { opset: 18, translate: attributeToInput('axes') };
}
for (const op of ['ReduceSum', 'Squeeze', 'Unsqueeze']) {
  before[op] = { opset: 13, translate: attributeToInput('axes') };
}
for (const op of ['Softmax', 'LogSoftmax', 'Hardmax']) {
  before[op] = { opset: 13, translate: overTheRest };
}

/** Operators by formula, whatever opset they come from. */
const standard: Record<string, Translation> = {
  ...activations,
  ...normalizations,
  ...attentions,
  ...others,
  BatchNormalization: batchNormalization,
  Dropout: dropout,
};

/** ONNX Runtime's own. */
const microsoft: Record<string, Translation> = {
  ...fusedActivations,
  ...fusedNormalizations,
  ...fusedAttentions,
  ...fusedProducts,
};

/**
 * Appends a node that is written in `opset` of its domain to a graph that speaks the core's own.
 * @param source names the graph in errors
 * @throws GraphError for what cannot be followed
 */
export function translate(b: Builder, node: Node, opset: number, source: string): Value[] {
  const scope = (next: (node: Node) => Value[]) => new Scope(b, node, opset, source, next);
  if (node.domain === 'com.microsoft') {
    const known = microsoft[node.op];
    if (known) return known(scope((made) => translate(b, made, 18, source)));
  }
  if (node.domain !== '') {
    throw new GraphError(
      `${place({ source }, node)} is an operator of "${node.domain}", which Darkroom does not know. Export the model with standard operators; of com.microsoft these are read: ${Object.keys(microsoft).sort().join(', ')}.`,
    );
  }
  const older = before[node.op];
  if (older && opset < older.opset) {
    return older.translate(scope((made) => translate(b, made, older.opset, source)));
  }
  return standard[node.op]?.(scope((made) => b.append(made))) ?? b.append(node);
}
