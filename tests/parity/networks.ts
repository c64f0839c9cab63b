/**
 * @file Every network of a pipeline: what it gives against PyTorch's numbers, and its gradient by
 * each of its floating-point inputs, and by its weights, against finite differences.
 */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gradients } from '@/trainer/autodiff/gradients';
import { Builder } from '@/trainer/graph/builder';
import { toFloat32 } from '@/trainer/graph/float16';
import { inline, withStaticShapes } from '@/trainer/graph/inline';
import type { Graph } from '@/trainer/graph/model';
import { readOnnxFile, withConstantsInMemory } from '@/trainer/graph/onnx/read';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { inSinglePrecision } from '@/trainer/graph/single-precision';
import { float32, sizeOf, type Tensor } from '@/trainer/graph/tensor';
import type { Engine } from '@/trainer/runtime/engine';
import { Golden } from './golden';
import { type ParityCase, relativeError } from './report';

/** A slope by differences of float32 values is no better than this. */
const slopeLimit = 5e-3;

/** Steps of the differences, relative to what is moved: short ones are noisy, long ones bend. */
const steps = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8];

/**
 * Every `pipeline/PART/model.onnx` whose inputs `parity/` holds, or that of `folder` without tail.
 */
export async function networkCases(engine: Engine, folder: string): Promise<ParityCase[]> {
  const pipeline = join(folder, 'pipeline');
  if (!existsSync(pipeline)) return [];
  const parity = [folder, folder.replace(/-dynamo\/?$/, '')].map((path) => join(path, 'parity'));
  const numbers = parity.find((path) => existsSync(join(path, 'text.safetensors')));
  if (!numbers) return [];
  const parts = (await readdir(pipeline)).filter((part) =>
    existsSync(join(pipeline, part, 'model.onnx')),
  );
  return parts.sort().map((part) => ({
    name: `network/${part}`,
    run: () => check(engine, join(pipeline, part, 'model.onnx'), part, numbers),
  }));
}

async function check(engine: Engine, file: string, part: string, numbers: string) {
  const graph = await withConstantsInMemory(inSinglePrecision(await readOnnxFile(file)));
  const isText = part.startsWith('text_encoder');
  const golden = await Golden.read(numbers, isText ? 'text' : part);
  const inputs = new Map(graph.inputs.map((port) => [port.name, inputOf(golden, port, part)]));
  const outputs = graph.outputs.map(({ name }) => {
    const key = golden.tensors.has(`${part}.${name}`) ? `${part}.${name}` : name;
    return { name, wanted: golden.output(key) };
  });
  const dims = Object.fromEntries([...inputs].map(([name, { dims }]) => [name, dims]));
  const weights = new Map(
    [...withStaticShapes(graph, dims).constants].filter(
      ([name, { dtype, dims }]) =>
        graph.constants.has(name) && dtype === 'float32' && dims.length > 1 && sizeOf(dims) > 1,
    ) as [string, Tensor<'float32'>][],
  );
  const point: Record<string, Tensor> = Object.fromEntries([...inputs, ...weights]);
  const floats = [...inputs].filter(([, { dtype }]) => dtype === 'float32').map(([name]) => name);
  const output = outputs[0]!.name;
  const groups = [...floats.map((name) => [name]), [...weights.keys()]];
  const built = withGradients(graph, point, groups.flat(), output);
  const session = await engine.load(serializeOnnx(built), { name: file });
  try {
    const here = await session.run(point);
    const errors: number[] = [];
    for (const names of groups) {
      const slope = new Map(names.map((name) => [name, toFloat32(here[`d ${name}`]!)]));
      const squares = (values: Iterable<Float32Array>) =>
        [...values].reduce((sum, part) => part.reduce((a, x) => a + x * x, sum), 0);
      const steepness = Math.sqrt(squares(slope.values()));
      const size = Math.sqrt(squares(names.map((name) => toFloat32(point[name]!))));
      // Along the gradient itself, where the slope is its length.
      const lossAt = async (step: number) => {
        const moved = names.map((name): [string, Tensor] => {
          const { dims, data } = point[name]! as Tensor<'float32'>;
          const towards = slope.get(name)!;
          return [
            name,
            float32(
              dims,
              data.map((x, i) => x + (step * towards[i]!) / steepness),
            ),
          ];
        });
        const out = await session.run(
          { ...point, ...Object.fromEntries(moved) },
          { fetch: [output] },
        );
        const values = toFloat32(out[output]!);
        const weight = direction(values.length);
        return values.reduce((sum, y, i) => sum + y * weight[i]!, 0);
      };
      const found: number[] = [];
      for (const step of steps.map((relative) => relative * size)) {
        const measured = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
        found.push(Math.abs(measured / steepness - 1));
      }
      errors.push(Math.min(...found));
    }
    return {
      forward: Math.max(...outputs.map(({ name, wanted }) => relativeError(here[name]!, wanted))),
      gradient: Math.max(...errors),
      gradientLimit: slopeLimit,
    };
  } finally {
    await session.release();
  }
}

/** `input_ids` of the second encoder are called `input_ids_2`. */
function inputOf(golden: Golden, { name, dtype, dims }: Graph['inputs'][number], part: string) {
  const tail = /text_encoder(_\d)?$/.exec(part)?.[1] ?? '';
  const value = golden.get(golden.tensors.has(name + tail) ? name + tail : name);
  if (dtype !== 'float32') return value;
  return golden.floats(
    golden.tensors.has(name + tail) ? name + tail : name,
    dims.length ? value.dims : [],
  );
}

/** Weights of a sum, without a pattern. */
function direction(length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.sin(2.4 * i + 1));
}

/** The network and the gradients of a weighted sum of its output, `d NAME` each. */
function withGradients(
  graph: Graph,
  point: Readonly<Record<string, Tensor>>,
  wrt: readonly string[],
  output: string,
): Graph {
  const ports = new Set(graph.inputs.map(({ name }) => name));
  const open: Graph = {
    ...graph,
    constants: new Map([...graph.constants].filter(([name]) => !wrt.includes(name))),
    inputs: [
      ...graph.inputs,
      ...wrt.filter((name) => !ports.has(name)).map((name) => ({ name, ...point[name]! })),
    ],
  };
  const b = new Builder('gradients');
  b.graph.source = graph.source;
  const feeds = Object.fromEntries(
    Object.entries(point).map(([name, { dtype, dims }]) => [name, b.input(name, dtype, dims)]),
  );
  const outputs = inline(b, open, { feeds });
  for (const [name, value] of Object.entries(outputs)) b.output(value, name);
  const of = outputs[output]!;
  const seed = b.tensor(float32(b.dims(of), direction(sizeOf(b.dims(of)))));
  gradients(b, { of, wrt, seed }).forEach((gradient, i) => {
    b.output(gradient, `d ${wrt[i]}`);
  });
  return b.finish();
}
