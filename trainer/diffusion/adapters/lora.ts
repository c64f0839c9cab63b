/**
 * @file LoRA: y + (alpha/r)·B·A·x at chosen modules of a UNet. Hu et al., "LoRA" (arXiv
 * 2106.09685), in the keys and shapes that diffusers and PEFT read: `unet.MODULE.lora_A.weight` [r,
 * in], `unet.MODULE.lora_B.weight` [out, r]; at convolutions A is [r, in, k, k] and B is [out, r,
 * 1, 1].
 */
import type { Builder, Value } from '@/trainer/graph/builder';
import type { InlineOptions } from '@/trainer/graph/inline';
import type { Node } from '@/trainer/graph/model';
import { float32, formatDims, sameDims, sizeOf, type Tensor, zeros } from '@/trainer/graph/tensor';
import type { AdapterSite } from './sites';

/** Adapter tensors by diffusers' key. */
export type Adapter = Map<string, Tensor<'float32'>>;

/** One tensor of an adapter and the shape it must have. */
export interface AdapterTensor {
  name: string;
  dims: number[];
}

const downName = (site: AdapterSite) => `${site.prefix}.${site.key}.lora_A.weight`;
const upName = (site: AdapterSite) => `${site.prefix}.${site.key}.lora_B.weight`;

/** Names and shapes of an adapter's tensors: A and B of every site, in graph order. */
export function adapterTensors(sites: Iterable<AdapterSite>, rank: number): AdapterTensor[] {
  return [...sites].flatMap((site) => {
    const kernel = site.window?.kernel ?? [];
    return [
      { name: downName(site), dims: [rank, site.inFeatures, ...kernel] },
      { name: upName(site), dims: [site.outFeatures, rank, ...kernel.map(() => 1)] },
    ];
  });
}

/**
 * A fresh adapter that changes nothing: A gaussian with standard deviation 1/r (PEFT's "gaussian"),
 * B zero.
 */
export function initialAdapter(
  sites: Iterable<AdapterSite>,
  rank: number,
  gaussian: () => number,
): Adapter {
  const adapter: Adapter = new Map();
  for (const { name, dims } of adapterTensors(sites, rank)) {
    if (name.endsWith('lora_B.weight')) adapter.set(name, zeros('float32', dims));
    else
      adapter.set(
        name,
        float32(
          dims,
          Float32Array.from({ length: sizeOf(dims) }, () => gaussian() / rank),
        ),
      );
  }
  return adapter;
}

/**
 * Checks that an adapter has exactly the tensors a model wants. @throws Error naming the first that
 * does not fit
 */
export function checkAdapter(
  adapter: ReadonlyMap<string, Tensor>,
  wanted: readonly AdapterTensor[],
  source: string,
): Adapter {
  const checked: Adapter = new Map();
  for (const { name, dims } of wanted) {
    const tensor = adapter.get(name);
    if (!tensor) {
      throw new Error(
        `${source} lacks "${name}". It was made for another model or for other targets: choose the policy it belongs to.`,
      );
    }
    if (tensor.dtype !== 'float32' || !sameDims(tensor.dims, dims)) {
      throw new Error(
        `${source}: "${name}" is ${tensor.dtype} ${formatDims(tensor.dims)} where float32 ${formatDims(dims)} fits. Use an adapter of this rank and model.`,
      );
    }
    checked.set(name, tensor as Tensor<'float32'>);
  }
  const extra = [...adapter.keys()].find((name) => !checked.has(name));
  if (extra)
    throw new Error(
      `${source} holds "${extra}", which this model has no module for. Use the policy it belongs to.`,
    );
  return checked;
}

/**
 * An `inline` hook that puts the adapter in at every site. `weight` gives the value of an adapter
 * tensor: a graph input to train or feed it, whose path then stands beside the module's; or a
 * constant to freeze it, which is added to the module's own weight when the graph is loaded, so
 * that drawing costs what it costs the base.
 */
export function attachAdapter(
  sites: ReadonlyMap<Node, AdapterSite>,
  weight: (name: string) => Value,
  scale: number,
): NonNullable<InlineOptions['onNode']> {
  return (b, node, outputs, inputs) => {
    const site = sites.get(node);
    if (!site) return outputs;
    const x = inputs[0]!;
    if (b.graph.constants.has(weight(downName(site))) || isSmall(site)) {
      const [, own, ...rest] = inputs as [Value, Value, ...Value[]];
      const merged = mergedWeight(b, site, own, weight, scale);
      return b.append({ ...node, inputs: [x, merged, ...rest], outputs: [b.fresh(node.op)] });
    }
    const path =
      site.kind === 'linear' ? linearPath(b, x, site, weight) : convolutionPath(b, x, site, weight);
    return [b.add(outputs[0]!, b.scale(path, scale))];
  };
}

/**
 * Whether the gradient by a whole weight is cheaper than two low-rank products beside it, forward
 * and backward: those cost in + out per row, too, and kernels work at sixteen columns or more, so
 * rank 4 is no cheaper than 16.
 */
function isSmall({ kind, inFeatures, outFeatures }: AdapterSite): boolean {
  return kind === 'linear' && inFeatures * outFeatures <= 64 * (inFeatures + outFeatures);
}

/**
 * W + scale·B·A in the layout of the module's weight W: [in, out], or [out, in, k, k] of a
 * convolution.
 */
function mergedWeight(
  b: Builder,
  site: AdapterSite,
  own: Value,
  weight: (name: string) => Value,
  scale: number,
): Value {
  const [down, up] = [weight(downName(site)), weight(upName(site))];
  if (site.kind === 'linear') {
    return b.op('Gemm', [down, up, own], { transA: 1, transB: 1, alpha: scale });
  }
  const [rank, ...patch] = b.dims(down) as [number, ...number[]];
  const flat = (value: Value, rows: number) =>
    b.reshape(value, [rows, sizeOf(b.dims(value)) / rows]);
  const { outFeatures } = site;
  const merged = b.op('Gemm', [flat(up, outFeatures), flat(down, rank), flat(own, outFeatures)], {
    alpha: scale,
  });
  return b.reshape(merged, [outFeatures, ...patch]);
}

function linearPath(
  b: Builder,
  x: Value,
  site: AdapterSite,
  weight: (name: string) => Value,
): Value {
  const down = b.transpose(weight(downName(site)), [1, 0]);
  const up = b.transpose(weight(upName(site)), [1, 0]);
  return b.matmul(b.matmul(x, down), up);
}

function convolutionPath(
  b: Builder,
  x: Value,
  site: AdapterSite,
  weight: (name: string) => Value,
): Value {
  const { kernel, strides, pads } = site.window as NonNullable<AdapterSite['window']>;
  const low = b.op('Conv', [x, weight(downName(site))], { kernel_shape: kernel, strides, pads });
  return b.op('Conv', [low, weight(upName(site))], { kernel_shape: [1, 1] });
}
