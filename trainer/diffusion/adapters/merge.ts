/**
 * @file W + (alpha/r)·B·A for every module of an adapter, written where the graph keeps W: in its
 * own layout and precision, one weight at a time.
 */
import { fromFloat32, toFloat32 } from '@/trainer/graph/float16';
import { type Graph, GraphError, type Node } from '@/trainer/graph/model';
import { dtypeOf } from '@/trainer/graph/onnx/dtypes';
import { type Dtype, sizeOf, type Tensor } from '@/trainer/graph/tensor';
import { type Adapter, adapterTensors } from './lora';
import type { AdapterSite } from './sites';

/** Where the weight of a site lies. */
export interface WeightPlace {
  node: Node;
  site: AdapterSite;
  /** The constant's name. */
  constant: string;
  /** Whether it is stored as [out, in], and turned on its way to the product. */
  turned: boolean;
  /** The element type that the product takes. */
  dtype: Dtype;
  /** Whether something else reads it, too: equal weights are stored once. */
  shared: boolean;
}

/** @throws GraphError where a weight is computed from others */
export function weightPlaces(graph: Graph, sites: ReadonlyMap<Node, AdapterSite>): WeightPlace[] {
  const makers = new Map(graph.nodes.map((node) => [node.outputs[0]!, node]));
  const uses = new Map<string, number>();
  for (const name of graph.nodes.flatMap(({ inputs }) => inputs)) {
    uses.set(name, (uses.get(name) ?? 0) + 1);
  }
  return [...sites].map(([node, site]) => {
    let name = node.inputs[1]!;
    let turned = false;
    let cast: Dtype | undefined;
    let shared = uses.get(name) !== 1;
    while (!graph.constants.has(name)) {
      const maker = makers.get(name);
      if (maker?.op === 'Transpose') turned = !turned;
      else if (maker?.op === 'Cast') cast ??= castType(maker);
      else if (maker?.op !== 'Identity') {
        throw new GraphError(
          `${graph.source}: the weight of ${site.key} is computed by ${maker?.op ?? 'nothing'}, so an adapter cannot be merged into it.`,
        );
      }
      name = maker.inputs[0]!;
      shared ||= uses.get(name) !== 1;
    }
    const { dtype } = graph.constants.get(name)!;
    return { node, site, constant: name, turned, dtype: cast ?? dtype, shared };
  });
}

function castType({ attributes }: Node): Dtype | undefined {
  return attributes.to?.kind === 'int' ? dtypeOf(attributes.to.value) : undefined;
}

/**
 * The merged weight. A shared one is as the product takes it, to be given to it alone; any other as
 * it is stored. Half precision rounds once more. @param scale alpha / rank
 */
export function mergedTensor(
  { site, turned, dtype, shared }: WeightPlace,
  own: Tensor,
  adapter: Adapter,
  scale: number,
): Tensor {
  const [down, up] = adapterTensors([site], 0).map(({ name }) => adapter.get(name)!) as [
    Tensor<'float32'>,
    Tensor<'float32'>,
  ];
  const rows = site.outFeatures;
  const columns = down.data.length / down.dims[0]!;
  // A linear weight is stored as [in, out] unless it is turned, a convolution's as [out, in, k, k].
  const byOutput = site.kind === 'convolution' || turned;
  const added = product(up.data, down.data, rows, columns, scale);
  const flip = (values: Float32Array) => transposed(values, rows, columns);
  const values = toFloat32(own).slice();
  const inOwnLayout = byOutput ? added : flip(added);
  for (let at = 0; at < values.length; at++) values[at]! += inOwnLayout[at]!;
  if (!shared) return fromFloat32(own.dtype, own.dims, values);
  const [first, second] = own.dims as [number, number];
  return site.kind === 'linear' && turned
    ? fromFloat32(dtype, [second, first], transposed(values, second, first))
    : fromFloat32(dtype, own.dims, values);
}

/** scale · B [rows, r] · A [r, columns]. */
function product(
  up: Float32Array,
  down: Float32Array,
  rows: number,
  columns: number,
  scale: number,
): Float32Array {
  const rank = up.length / rows;
  const out = new Float32Array(sizeOf([rows, columns]));
  const sums = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    sums.fill(0);
    for (let i = 0; i < rank; i++) {
      const factor = scale * up[row * rank + i]!;
      for (let column = 0; column < columns; column++) {
        sums[column]! += factor * down[i * columns + column]!;
      }
    }
    out.set(sums, row * columns);
  }
  return out;
}

/** [rows, columns] as [columns, rows]. */
function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      out[column * rows + row] = values[row * columns + column]!;
    }
  }
  return out;
}
