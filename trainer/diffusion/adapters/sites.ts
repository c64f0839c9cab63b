/**
 * @file Where an adapter attaches in a denoiser's graph. Exporters keep a module's path in the node
 * name (`/down_blocks.0/attentions.0/…/to_q/MatMul`) or in its metadata, though they rename its
 * weight: the path is the adapter's key.
 */
import { type Graph, GraphError, type Node } from '@/trainer/graph/model';
import { nodeScopes } from '@/trainer/graph/onnx/node-scopes';
import { type DenoiserKind, denoiserKindOf } from '../denoiser-kinds';
import { attentionProjections } from './attention-structure';

export type AdapterTargets = 'attention' | 'attention+feed-forward+convolutions';

export interface AdapterSite {
  /** What diffusers puts before the key: `unet` or `transformer`. */
  prefix: DenoiserKind['folder'];
  /** diffusers' module path: `down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q`. */
  key: string;
  kind: 'linear' | 'convolution';
  inFeatures: number;
  outFeatures: number;
  /** Kernel, strides and pads of a convolution site. */
  window?: { kernel: number[]; strides: number[]; pads: number[] };
}

/**
 * The module path of a product, or undefined where nothing names it. torch's older exporter puts
 * the path into the node's name, dynamo into its metadata; where a tool has dropped both, a weight
 * or bias may still bear it.
 */
function moduleKey(node: Node, biases: ReadonlyMap<string, string>): string | undefined {
  const [, named] = /^\/(.+)\/(?:MatMul|Conv|Gemm)$/.exec(node.name) ?? [];
  if (named) return named.replaceAll('/', '.');
  const scope = nodeScopes(node).at(-2);
  if (scope) return scope;
  const parameters = [...node.inputs.slice(1), biases.get(node.outputs[0]!) ?? ''];
  const [parameter] = parameters.filter((name) => parameterName.test(name));
  return parameter?.replace(parameterName, '');
}

/** Module paths by product. Where names are missing, attention can still be told by structure. */
function moduleKeys(graph: Graph): Map<Node, string> {
  const keys = new Map<Node, string>();
  const biases = biasesOf(graph);
  const nodes = graph.nodes.filter(({ op }) => products.has(op));
  for (const node of nodes) {
    const key = moduleKey(node, biases);
    if (key) keys.set(node, key);
  }
  if (nodes.length === keys.size) return keys;
  return new Map([...attentionProjections(graph, keys), ...keys]);
}

const products = new Set(['MatMul', 'Conv', 'Gemm']);
const parameterName = /\.(?:weight|bias)$/;

/** By product: the constant that is added to it. */
function biasesOf({ nodes, constants }: Graph): Map<string, string> {
  return new Map(
    nodes
      .filter(({ op }) => op === 'Add')
      .flatMap(({ inputs }) => {
        const [bias] = inputs.filter((name) => constants.has(name));
        return bias ? inputs.map((product) => [product, bias] as const) : [];
      }),
  );
}

/** Adapter sites by node, in graph order. @throws GraphError when the graph has none */
export function adapterSites(graph: Graph, targets: AdapterTargets): Map<Node, AdapterSite> {
  const { folder: prefix, adapted } = denoiserKindOf(graph);
  const pattern = targets === 'attention' ? adapted.attention : adapted.all;
  const keys = moduleKeys(graph);
  const sites = new Map<Node, AdapterSite>();
  for (const node of graph.nodes) {
    const key = keys.get(node);
    const site = key && pattern.test(key) && siteOf(graph, node, key);
    if (site) sites.set(node, { prefix, ...site });
  }
  const found = [...sites.values()];
  // Attention told by its structure alone is not all that was asked for.
  const whole = targets === 'attention' || found.some(({ key }) => !adapted.attention.test(key));
  if (found.length > 0 && whole) return sites;
  throw new GraphError(
    `${graph.source}: no node is named after ${targets === 'attention' ? 'an attention projection (…/to_q/MatMul), and none looks like one' : 'its module (…/conv1/Conv)'}, so an adapter has nowhere to attach. Export it with module names kept.`,
  );
}

function siteOf(graph: Graph, node: Node, key: string): Omit<AdapterSite, 'prefix'> | undefined {
  const dims = weightDims(graph, node.inputs[1]!);
  if (!dims) return undefined;
  if (node.op === 'MatMul' && dims.length === 2) {
    return { key, kind: 'linear', inFeatures: dims[0]!, outFeatures: dims[1]! };
  }
  if (node.op !== 'Conv' || dims.length !== 4) return undefined;
  const ints = (name: string, fallback: number[]) => {
    const attribute = node.attributes[name];
    return attribute?.kind === 'ints' ? attribute.value : fallback;
  };
  return {
    key,
    kind: 'convolution',
    inFeatures: dims[1]!,
    outFeatures: dims[0]!,
    window: {
      kernel: dims.slice(2),
      strides: ints('strides', [1, 1]),
      pads: ints('pads', [0, 0, 0, 0]),
    },
  };
}

/** Shape of a weight: a constant, also cast or turned by a Transpose. */
function weightDims(graph: Graph, name: string): number[] | undefined {
  const constant = graph.constants.get(name);
  if (constant) return [...constant.dims];
  const made = graph.nodes.find((node) => node.outputs[0] === name);
  if (made?.op === 'Identity' || made?.op === 'Cast') return weightDims(graph, made.inputs[0]!);
  if (made?.op !== 'Transpose') return undefined;
  return weightDims(graph, made.inputs[0]!)?.reverse();
}
