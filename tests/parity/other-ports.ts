/**
 * @file The reference pipeline with the ports that other exports have: Optimum's timestep is a
 * float scalar, others take int32, or one timestep per row. The network behind them is the same, so
 * every number of the reference must still come out.
 */
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromFloat32 } from '@/trainer/graph/float16';
import type { Attribute, Graph, Node } from '@/trainer/graph/model';
import { dtypeNumber } from '@/trainer/graph/onnx/dtypes';
import { readOnnxFile } from '@/trainer/graph/onnx/read';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import type { Dtype, Tensor } from '@/trainer/graph/tensor';
import { writeExternal } from '../trainer/rewards/imported/models';

/**
 * Copies `golden`'s pipeline and numbers to `folder`, the UNet in half precision: its ports, its
 * weights, in a file beside it.
 */
export async function writeHalfPrecision(golden: string, folder: string): Promise<void> {
  for (const part of ['tiny-sd', 'parity']) {
    await cp(join(golden, part), join(folder, part), { recursive: true });
  }
  const file = join(folder, 'tiny-sd/unet/model.onnx');
  await writeExternal(file, halved(await readOnnxFile(file)));
}

function halved(graph: Graph): Graph {
  const half = <Typed extends { dtype: Dtype }>(typed: Typed): Typed =>
    typed.dtype === 'float32' ? { ...typed, dtype: 'float16' } : typed;
  const halfTensor = (value: Tensor): Tensor =>
    value.dtype === 'float32' ? fromFloat32('float16', value.dims, value.data) : value;
  const [single, halfType] = [dtypeNumber('float32'), dtypeNumber('float16')];
  const attribute = (key: string, value: Attribute): Attribute => {
    if (value.kind === 'tensor') return { kind: 'tensor', value: halfTensor(value.value) };
    const isType = value.kind === 'int' && key === 'to' && value.value === single;
    return isType ? { kind: 'int', value: halfType } : value;
  };
  return {
    ...graph,
    inputs: graph.inputs.map(half),
    outputs: graph.outputs.map(half),
    constants: new Map(
      [...graph.constants].map(([name, value]) => [name, halfTensor(value as Tensor)]),
    ),
    nodes: graph.nodes.map((node) => ({
      ...node,
      attributes: Object.fromEntries(
        Object.entries(node.attributes).map(([key, value]) => [key, attribute(key, value)]),
      ),
    })),
  };
}

/** Copies `golden`'s pipeline and numbers to `folder`, the UNet's timestep being of this type. */
export async function writeOtherPorts(
  golden: string,
  folder: string,
  timestep: Dtype,
): Promise<void> {
  for (const part of ['tiny-sd', 'parity']) {
    await cp(join(golden, part), join(folder, part), { recursive: true });
  }
  const file = join(folder, 'tiny-sd/unet/model.onnx');
  await writeFile(file, serializeOnnx(withTimestep(await readOnnxFile(file), timestep)));
}

function withTimestep(unet: Graph, dtype: Dtype): Graph {
  const inside = 'timestep as exported';
  const cast: Node = {
    name: 'cast timestep',
    op: 'Cast',
    domain: '',
    inputs: ['timestep'],
    outputs: [inside],
    attributes: { to: { kind: 'int', value: dtypeNumber('int64') } },
  };
  const nodes = unet.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((name) => (name === 'timestep' ? inside : name)),
  }));
  return {
    ...unet,
    inputs: unet.inputs.map((port) => (port.name === 'timestep' ? { ...port, dtype } : port)),
    nodes: [cast, ...nodes],
  };
}
