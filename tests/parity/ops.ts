/** @file Operator parity: each small graph forward and backward against PyTorch's numbers. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gradients } from '@/trainer/autodiff/gradients';
import { readSafetensors } from '@/trainer/formats/safetensors';
import { Builder } from '@/trainer/graph/builder';
import { inline } from '@/trainer/graph/inline';
import { readOnnxFile } from '@/trainer/graph/onnx/read';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import type { Tensor } from '@/trainer/graph/tensor';
import type { Engine } from '@/trainer/runtime/engine';
import { type ParityCase, relativeError } from './report';

/** Every `NAME.onnx` with its `NAME.safetensors` in `ops/`. */
export async function operatorCases(engine: Engine, folder: string): Promise<ParityCase[]> {
  const ops = join(folder, 'ops');
  if (!existsSync(ops)) return [];
  const files = (await readdir(ops)).filter((file) => file.endsWith('.onnx')).sort();
  return files.map((file) => {
    const name = file.replace(/\.onnx$/, '');
    return { name: `ops/${name}`, run: () => checkOperator(engine, join(ops, name)) };
  });
}

async function checkOperator(engine: Engine, path: string) {
  const graph = await readOnnxFile(`${path}.onnx`);
  const { tensors } = await readSafetensors(`${path}.safetensors`);
  const get = (name: string): Tensor => {
    const found = tensors.get(name);
    if (!found) throw new Error(`${path}.safetensors lacks "${name}"`);
    return found;
  };
  const b = new Builder(graph.name);
  b.graph.source = graph.source;
  const feeds: Record<string, Tensor> = { grad_y: get('grad_y') };
  const values: Record<string, string> = {};
  for (const port of graph.inputs) {
    feeds[port.name] = get(port.name);
    values[port.name] = b.input(port.name, get(port.name).dtype, get(port.name).dims);
  }
  const { y } = inline(b, graph, { feeds: values }) as { y: string };
  const seed = b.input('grad_y', get('grad_y').dtype, get('grad_y').dims);
  b.output(y, 'forward');
  const wrt = graph.inputs.map((port) => port.name).filter((name) => tensors.has(`grad_${name}`));
  gradients(b, { of: y, wrt, seed }).forEach((gradient, i) => {
    b.output(gradient, `gradient_${wrt[i]}`);
  });
  const built = b.finish();
  const used = new Set(built.inputs.map((port) => port.name));
  const session = await engine.load(serializeOnnx(built), { name: path });
  try {
    const out = await session.run(
      Object.fromEntries(Object.entries(feeds).filter(([name]) => used.has(name))),
      {},
    );
    const errors = wrt.map((name) => relativeError(out[`gradient_${name}`]!, get(`grad_${name}`)));
    return {
      forward: relativeError(out.forward as Tensor, get('y')),
      gradient: Math.max(0, ...errors),
    };
  } finally {
    await session.release();
  }
}
