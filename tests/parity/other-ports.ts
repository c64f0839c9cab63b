/**
 * @file The reference pipeline with the ports that other exports have: Optimum's timestep is a float scalar, others take
 * int32, or one timestep per row. The network behind them is the same, so every number of the reference must still come out.
 */
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Graph, Node } from '@/trainer/graph/model';
import { dtypeNumber } from '@/trainer/graph/onnx/dtypes';
import { readOnnxFile } from '@/trainer/graph/onnx/read';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import type { Dtype } from '@/trainer/graph/tensor';

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
