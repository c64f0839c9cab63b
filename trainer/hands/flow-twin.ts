/**
 * @file The rectified-flow twin of a Stable Diffusion UNet: the same weights, told a flow's noise
 * levels and asked for its velocity. Diffusion and flow noise alike but for scale: (1−σ)·x_0 + σ·ε
 * divided by √((1−σ)²+σ²) is √ᾱ·x_0 + √(1−ᾱ)·ε at ᾱ = (1−σ)²/((1−σ)²+σ²). What the network knows of
 * the image there, x̂_0, says the velocity v = (x_t − x̂_0)/σ, which training on the flow would
 * have to find. Nodes around the network reckon it, so nothing has to be trained and nothing is
 * lost.
 */
import { cp, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readJson } from '@/trainer/diffusion/pipelines/files';
import { DdimScheduler } from '@/trainer/diffusion/schedulers/ddim';
import { scheduleConfigSchema } from '@/trainer/diffusion/schedulers/schedule';
import type { Graph, Node } from '@/trainer/graph/model';
import { dtypeNumber } from '@/trainer/graph/onnx/dtypes';
import { readOnnxFile } from '@/trainer/graph/onnx/read';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, int64, type Tensor } from '@/trainer/graph/tensor';

/** As Stable Diffusion 3 has it. */
const scheduler = {
  _class_name: 'FlowMatchEulerDiscreteScheduler',
  num_train_timesteps: 1000,
  shift: 3,
};

/** Levels that the network is told apart: ten between two timesteps. */
const finer = 10;

/** Writes the twin of the pipeline in `from` to `folder`. The network must predict noise. */
export async function writeFlowTwin(from: string, folder: string): Promise<void> {
  // What was measured of the one is not true of the other.
  const parts = (await readdir(from, { withFileTypes: true })).filter((one) => one.isDirectory());
  for (const { name } of parts) await cp(join(from, name), join(folder, name), { recursive: true });
  const file = 'scheduler/scheduler_config.json';
  const noised = new DdimScheduler(await readJson(join(from, file), scheduleConfigSchema));
  const unet = await readOnnxFile(join(from, 'unet/model.onnx'));
  await writeFile(join(folder, 'unet/model.onnx'), serializeOnnx(sayingVelocity(unet, noised)));
  await writeFile(join(folder, file), `${JSON.stringify(scheduler, null, 2)}\n`);
  const index = await readJson(join(from, 'model_index.json'), z.looseObject({}));
  const named = { ...index, scheduler: ['diffusers', scheduler._class_name] };
  await writeFile(join(folder, 'model_index.json'), `${JSON.stringify(named, null, 2)}\n`);
}

/** The UNet with a flow's timestep, a float, and v for ε. */
function sayingVelocity(unet: Graph, noised: DdimScheduler): Graph {
  const levels = Array.from(
    { length: finer * scheduler.num_train_timesteps + 1 },
    (_, i) => i / (finer * scheduler.num_train_timesteps),
  );
  const bars = Array.from({ length: noised.trainingSteps }, (_, t) => noised.alphaBar(t));
  const constants: Record<string, Tensor> = {
    'flow.total': float32([], [scheduler.num_train_timesteps]),
    'flow.finer': float32([], [finer]),
    'flow.half': float32([], [0.5]),
    'flow.one': float32([], [1]),
    'flow.perRow': int64([4], [-1, 1, 1, 1]),
    'flow.timesteps': int64([levels.length], timestepsOf(levels, bars)),
    'flow.signals': float32([bars.length], bars.map(Math.sqrt)),
    'flow.spreads': float32(
      [bars.length],
      bars.map((bar) => Math.sqrt(1 - bar)),
    ),
  };
  const own: Record<string, string> = {
    sample: 'flow.scaled',
    timestep: 'flow.told',
    out_sample: 'flow.noise',
  };
  const renamed = (names: readonly string[]) => names.map((name) => own[name] ?? name);
  return {
    ...unet,
    inputs: unet.inputs.map((port) =>
      port.name === 'timestep' ? { ...port, dtype: 'float32' } : port,
    ),
    constants: new Map([...unet.constants, ...Object.entries(constants)]),
    nodes: [
      ...nodes([
        ['Div', ['timestep', 'flow.total'], 'flow.levels'],
        ['Reshape', ['flow.levels', 'flow.perRow'], 'flow.level'],
        ['Sub', ['flow.one', 'flow.level'], 'flow.rest'],
        ['Mul', ['flow.level', 'flow.level'], 'flow.level2'],
        ['Mul', ['flow.rest', 'flow.rest'], 'flow.rest2'],
        ['Add', ['flow.level2', 'flow.rest2'], 'flow.length2'],
        ['Sqrt', ['flow.length2'], 'flow.length'],
        ['Div', ['sample', 'flow.length'], 'flow.scaled'],
        ['Mul', ['timestep', 'flow.finer'], 'flow.fine'],
        ['Add', ['flow.fine', 'flow.half'], 'flow.rounded'],
        ['Cast', ['flow.rounded'], 'flow.index'],
        ['Gather', ['flow.timesteps', 'flow.index'], 'flow.told'],
      ]),
      ...unet.nodes.map((node) => ({
        ...node,
        inputs: renamed(node.inputs),
        outputs: renamed(node.outputs),
      })),
      ...nodes([
        ['Gather', ['flow.signals', 'flow.told'], 'flow.signals.told'],
        ['Gather', ['flow.spreads', 'flow.told'], 'flow.spreads.told'],
        ['Reshape', ['flow.signals.told', 'flow.perRow'], 'flow.signal'],
        ['Reshape', ['flow.spreads.told', 'flow.perRow'], 'flow.spread'],
        ['Mul', ['flow.noise', 'flow.spread'], 'flow.noised'],
        ['Sub', ['flow.scaled', 'flow.noised'], 'flow.cleaned'],
        ['Div', ['flow.cleaned', 'flow.signal'], 'flow.original'],
        ['Sub', ['sample', 'flow.original'], 'flow.way'],
        ['Div', ['flow.way', 'flow.level'], 'out_sample'],
      ]),
    ],
  };
}

/** The timestep whose ᾱ is nearest to that of each level; the noisiest for all beyond it. */
function timestepsOf(levels: readonly number[], bars: readonly number[]): number[] {
  const ratios = bars.map((bar) => Math.log(bar / (1 - bar)));
  const nearest = levels.map((level) => {
    const ratio = 2 * Math.log((1 - level) / level);
    return ratios.reduce(
      (best, own, t) => (Math.abs(own - ratio) < Math.abs(ratios[best]! - ratio) ? t : best),
      0,
    );
  });
  // Pure noise and none at all are infinitely far from any.
  return [0, ...nearest.slice(1, -1), bars.length - 1];
}

const toInt64: Node['attributes'] = { to: { kind: 'int', value: dtypeNumber('int64') } };

function nodes(rows: readonly (readonly [string, string[], string])[]): Node[] {
  return rows.map(([op, inputs, output]) => ({
    name: `flow/${output}`,
    op,
    domain: '',
    inputs,
    outputs: [output],
    attributes: op === 'Cast' ? toInt64 : {},
  }));
}
