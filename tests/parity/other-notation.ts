/**
 * @file The reference pipeline in another notation. PyTorch gave us one: noise prediction,
 * `leading` timesteps, 1×1 convolutions around the transformers. A UNet can be rewritten to say the
 * same with linear projections, on `trailing` timesteps, as velocity: then every number of the
 * reference still holds, and what must match it is other code of ours.
 */
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DdimScheduler } from '@/trainer/diffusion/schedulers/ddim';
import { scheduleConfigSchema } from '@/trainer/diffusion/schedulers/schedule';
import { serializeSafetensors } from '@/trainer/formats/safetensors';
import type { Constant, Graph, Node } from '@/trainer/graph/model';
import { readOnnxFile } from '@/trainer/graph/onnx/read';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, int64, type Tensor } from '@/trainer/graph/tensor';
import { Golden, readJson } from './golden';

export interface Notation {
  /**
   * Inference steps of the cases to be checked: leading and trailing timesteps lie N/S − 2 apart.
   */
  steps: number;
  /** Files of `parity/` that take so many steps, or ask at a single timestep. */
  files: readonly string[];
  velocity: boolean;
}

/** Writes a folder laid out like `golden` whose numbers are the same. */
export async function writeOtherNotation(
  golden: string,
  folder: string,
  { steps, files, velocity }: Notation,
): Promise<void> {
  await cp(join(golden, 'tiny-sd'), join(folder, 'tiny-sd'), { recursive: true });
  await mkdir(join(folder, 'parity'), { recursive: true });
  await cp(join(golden, 'parity/reward'), join(folder, 'parity/reward'), { recursive: true });

  const scheduleFile = join(folder, 'tiny-sd/scheduler/scheduler_config.json');
  const leading = await readJson<Record<string, unknown>>(scheduleFile);
  const total = Number(leading.num_train_timesteps);
  const shift = total / steps - 2;
  const trailing = {
    ...leading,
    timestep_spacing: 'trailing',
    prediction_type: velocity ? 'v_prediction' : 'epsilon',
    trained_betas: shiftedBetas(leading, shift),
  };
  await writeJson(scheduleFile, trailing);

  const unetFile = join(folder, 'tiny-sd/unet/model.onnx');
  const unet = await readOnnxFile(unetFile);
  makeProjectionsLinear(unet);
  shiftTimesteps(unet, shift);
  const scheduler = new DdimScheduler(scheduleConfigSchema.parse(trailing));
  if (velocity) predictVelocity(unet, scheduler, total);
  await writeFile(unetFile, serializeOnnx(unet));

  for (const name of ['lora', ...files]) {
    const { tensors } = await Golden.read(join(golden, 'parity'), name);
    for (const key of ['timestep', 'timesteps']) {
      const old = tensors.get(key) as Tensor<'int64'> | undefined;
      if (old)
        tensors.set(
          key,
          int64(
            old.dims,
            Array.from(old.data, (t) => Number(t) + shift),
          ),
        );
    }
    await writeFile(join(folder, 'parity', `${name}.safetensors`), serializeSafetensors(tensors));
  }
  const settings = await readJson<{
    d3po: { timestep: number }[];
    diffusion_dpo: { beta: number };
  }>(join(golden, 'parity/golden.json'));
  for (const one of settings.d3po) one.timestep += shift;
  if (velocity && files.includes('diffusion_dpo')) {
    // Errors of velocities are those of noise over √ᾱ, so the same loss has a β of ᾱ times the
    // size.
    const file = await Golden.read(join(folder, 'parity'), 'diffusion_dpo');
    settings.diffusion_dpo.beta *= scheduler.alphaBar(Number(file.get('timestep').data[0]));
  }
  await writeJson(join(folder, 'parity/golden.json'), settings);
}

/**
 * β of a schedule whose ᾱ at t + shift is the old one's at t. What must be positive and count for
 * nothing is 1e-30.
 */
function shiftedBetas({ beta_start, beta_end, ...rest }: Record<string, unknown>, shift: number) {
  const [from, to] = [Number(beta_start), Number(beta_end)].map(Math.sqrt) as [number, number];
  const total = Number(rest.num_train_timesteps);
  const old = Array.from(
    { length: total },
    (_, t) => (from + ((to - from) * t) / (total - 1)) ** 2,
  );
  return [old[0], ...Array<number>(shift).fill(1e-30), ...old.slice(1, total - shift)];
}

/**
 * `use_linear_projection`: Conv → Transpose → Reshape becomes Transpose → Reshape → MatMul → Add,
 * and back behind.
 */
function makeProjectionsLinear(unet: Graph): void {
  const isBetween = (node: Node) => node.op === 'Transpose' || node.op === 'Reshape';
  const consumer = (name: string) =>
    unet.nodes.find((node) => isBetween(node) && node.inputs[0] === name) as Node;
  const producer = (name: string) => unet.nodes.find((node) => node.outputs.includes(name)) as Node;
  for (const conv of unet.nodes.filter((node) => /\/proj_(in|out)\/Conv$/.test(node.name))) {
    const [image, kernel, bias] = conv.inputs as [string, string, string];
    const result = conv.outputs[0]!;
    if (conv.name.includes('proj_in')) {
      const transpose = consumer(result);
      const reshape = consumer(transpose.outputs[0]!);
      const tokens = reshape.outputs[0]!;
      // The reshape reads the sizes of the convolution's result: the image's are the same.
      for (const node of unet.nodes) {
        node.inputs = node.inputs.map((name) => (name === result ? image : name));
      }
      reshape.outputs = [`${tokens}.before`];
      insertAfter(unet, reshape, linear(unet, conv, [`${tokens}.before`, kernel, bias, tokens]));
    } else {
      const transpose = producer(image);
      const reshape = producer(transpose.inputs[0]!);
      const tokens = reshape.inputs[0]!;
      reshape.inputs[0] = `${tokens}.after`;
      const before = producer(tokens);
      insertAfter(unet, before, linear(unet, conv, [tokens, kernel, bias, `${tokens}.after`]));
      for (const node of unet.nodes) {
        if (node !== conv)
          node.inputs = node.inputs.map((name) => (name === result ? image : name));
      }
    }
    unet.nodes.splice(unet.nodes.indexOf(conv), 1);
  }
}

/**
 * The two nodes of a linear layer as PyTorch exports it: the transposed weight is a constant with a
 * number for a name.
 */
function linear(
  unet: Graph,
  conv: Node,
  [input, kernel, bias, output]: [string, string, string, string],
): Node[] {
  const { data, dims } = unet.constants.get(kernel) as Tensor<'float32'>;
  const [out, into] = dims as [number, number];
  const weight = `onnx::MatMul_${unet.nodes.indexOf(conv)}`;
  const transposed = data.map((_, i) => data[(i % out) * into + Math.floor(i / out)]!);
  unet.constants.delete(kernel);
  unet.constants.set(weight, float32([into, out], transposed));
  const base = conv.name.replace(/Conv$/, '');
  return [
    nodeOf('MatMul', `${base}MatMul`, [input, weight], `${base}MatMul_output_0`),
    nodeOf('Add', `${base}Add`, [bias, `${base}MatMul_output_0`], output),
  ];
}

/** The UNet at t + shift is the old one at t. */
function shiftTimesteps(unet: Graph, shift: number): void {
  for (const node of unet.nodes) {
    node.inputs = node.inputs.map((name) => (name === 'timestep' ? 'timestep.shifted' : name));
  }
  unet.constants.set('timestep.shift', int64([], [shift]));
  unet.nodes.unshift(nodeOf('Sub', 'shift', ['timestep', 'timestep.shift'], 'timestep.shifted'));
}

/** v = (ε − √(1−ᾱ)·x) / √ᾱ, with tables over t. */
function predictVelocity(unet: Graph, scheduler: DdimScheduler, total: number): void {
  const table = (of: (alphaBar: number) => number): Constant =>
    float32(
      [total],
      Float32Array.from({ length: total }, (_, t) => of(scheduler.alphaBar(t))),
    );
  unet.constants.set(
    'v.noise',
    table((bar) => 1 / Math.sqrt(bar)),
  );
  unet.constants.set(
    'v.sample',
    table((bar) => Math.sqrt((1 - bar) / bar)),
  );
  for (const node of unet.nodes) {
    node.outputs = node.outputs.map((name) => (name === 'out_sample' ? 'v.epsilon' : name));
  }
  unet.nodes.push(
    nodeOf('Gather', 'v/a', ['v.noise', 'timestep'], 'v.a'),
    nodeOf('Gather', 'v/b', ['v.sample', 'timestep'], 'v.b'),
    nodeOf('Mul', 'v/c', ['v.epsilon', 'v.a'], 'v.c'),
    nodeOf('Mul', 'v/d', ['sample', 'v.b'], 'v.d'),
    nodeOf('Sub', 'v/e', ['v.c', 'v.d'], 'out_sample'),
  );
}

function nodeOf(op: string, name: string, inputs: string[], output: string): Node {
  return { name, op, domain: '', inputs, outputs: [output], attributes: {} };
}

function insertAfter(graph: Graph, node: Node, added: readonly Node[]): void {
  graph.nodes.splice(graph.nodes.indexOf(node) + 1, 0, ...added);
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFile(path, JSON.stringify(value, null, 2));
}
