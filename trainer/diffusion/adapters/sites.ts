/**
 * @file Where an adapter attaches in a denoiser's graph. Exporters keep a module's path in the node
 * name (`/down_blocks.0/attentions.0/…/to_q/MatMul`), though they rename its weight: the path is
 * the adapter's key.
 */
import { type Graph, GraphError, type Node } from '@/trainer/graph/model';
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

/** The module path in a node's name, or undefined for a node that is no module's product. */
export function moduleKey(node: Pick<Node, 'name' | 'op'>): string | undefined {
  const match = /^\/(.+)\/(MatMul|Conv|Gemm)$/.exec(node.name);
  return match?.[1]?.replaceAll('/', '.');
}

/** Adapter sites by node, in graph order. @throws GraphError when the graph has none */
export function adapterSites(graph: Graph, targets: AdapterTargets): Map<Node, AdapterSite> {
  const { folder: prefix, adapted } = denoiserKindOf(graph);
  const pattern = targets === 'attention' ? adapted.attention : adapted.all;
  const sites = new Map<Node, AdapterSite>();
  for (const node of graph.nodes) {
    const key = moduleKey(node);
    if (!key || !pattern.test(key)) continue;
    const site = siteOf(graph, node, key);
    if (site) sites.set(node, { prefix, ...site });
  }
  if (sites.size > 0) return sites;
  // No names to go by: the attention layers can still be told by their structure.
  for (const [node, key] of attentionProjections(graph)) {
    const site = siteOf(graph, node, key);
    if (site) sites.set(node, { prefix, ...site });
  }
  if (sites.size > 0 && targets === 'attention') return sites;
  throw new GraphError(
    `${graph.source}: no node is named after ${targets === 'attention' ? 'an attention projection (…/to_q/MatMul), and none looks like one' : 'its module (…/conv1/Conv)'}, so an adapter has nowhere to attach. Export the UNet with module names kept.`,
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
