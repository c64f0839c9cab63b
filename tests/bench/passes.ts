/** @file The built-in UNet forward, and forward with backward: by an adapter and by all weights. */
import { gradients } from '@/trainer/autodiff/gradients';
import type { Pipeline } from '@/trainer/diffusion/pipeline';
import { Builder, type Value } from '@/trainer/graph/builder';
import { inline } from '@/trainer/graph/inline';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, int64, sizeOf, type Tensor } from '@/trainer/graph/tensor';
import { floatingPointOperations } from '@/trainer/graph/work';
import { type Trainable, trainableAdapter, trainableWeights } from '@/trainer/methods/trainable';
import { trainedUnet } from '@/trainer/rounds/policy-file';
import type { Engine } from '@/trainer/runtime/engine';
import { anyNumbers, time } from './measure';

const images = 8;
const everyWeight = { trainables: 'full', loraRank: 1, loraAlpha: 1 } as const;

export interface Passes {
  images: number;
  forwardMs: number;
  adapterMs: number;
  fullMs: number;
  /** (forward + backward) / forward. */
  adapterRatio: number;
  fullRatio: number;
  /** Arithmetic of forward + backward with an adapter per second, over that of a large matrix product. */
  shareOfMatrixRate: number;
  matrixGflops: number;
  peakMib: number;
}

/** Measures with weights resident in the engine, as training keeps them. */
export async function measurePasses(engine: Engine, pipeline: Pipeline): Promise<Passes> {
  const unet = pipeline.unet.graph;
  const matrixGflops = await matrixRate(engine);
  const forward = await pass(engine, pipeline);
  const adapter = await pass(engine, pipeline, trainableAdapter(unet, 'attention', 4));
  const full = await pass(engine, pipeline, trainableWeights(await trainedUnet(unet, everyWeight)));
  return {
    images,
    forwardMs: forward.ms,
    adapterMs: adapter.ms,
    fullMs: full.ms,
    adapterRatio: adapter.ms / forward.ms,
    fullRatio: full.ms / forward.ms,
    shareOfMatrixRate: adapter.operations / adapter.ms / 1e6 / matrixGflops,
    matrixGflops,
    peakMib: engine.memory.peakRssBytes / 2 ** 20,
  };
}

async function pass(engine: Engine, pipeline: Pipeline, trainable?: Trainable) {
  const { graph: base, folder } = pipeline.unet;
  const b = new Builder('pass', { ...base.opsets });
  const tokens = pipeline.tokenizer.maxLength;
  const weights = trainable?.declare(b) ?? [];
  const feeds: Record<string, Value> = {
    ...trainable?.feeds,
    sample: b.input('sample', 'float32', [images, ...pipeline.latentShape]),
    timestep: b.input('timestep', 'int64', [images]),
    encoder_hidden_states: b.input('context', 'float32', [images, tokens, pipeline.embeddingSize]),
  };
  const options = trainable?.onNode ? { onNode: trainable.onNode } : {};
  const output = Object.values(
    inline(b, trainable?.unet ?? base, { feeds, ...options }),
  )[0] as Value;
  const loss = b.reduceMean(b.mul(output, output), [0, 1, 2, 3], false);
  b.output(loss, 'loss');
  if (trainable)
    gradients(b, { of: loss, wrt: weights }).forEach((g, i) => {
      b.output(g, `gradient.${i}`);
    });
  const operations = floatingPointOperations(b);
  const resident = b.graph.outputs.map((port) => port.name).filter((name) => name !== 'loss');
  const graph = b.finish();
  const session = await engine.load(serializeOnnx(graph), {
    name: 'pass',
    resident,
    externalDataFolder: folder,
  });
  const slots: string[] = [];
  const inputs: Record<string, Tensor | ReturnType<Engine['slot']>> = {};
  for (const { name, dims, dtype } of graph.inputs) {
    const shape = dims as number[];
    if (!weights.includes(name)) {
      inputs[name] =
        dtype === 'int64'
          ? int64(shape, shape.length ? new Array(sizeOf(shape)).fill(500) : [500])
          : float32(shape, anyNumbers(sizeOf(shape)));
      continue;
    }
    await engine.put(name, float32(shape, anyNumbers(sizeOf(shape))));
    slots.push(name);
    inputs[name] = engine.slot(name);
  }
  const keep = Object.fromEntries(resident.map((name) => [name, `bench.${name}`]));
  const { median } = await time(() => session.run(inputs, { fetch: ['loss'], keep }));
  await session.release();
  for (const slot of [...slots, ...Object.values(keep)]) await engine.drop(slot);
  return { ms: median, operations };
}

/** What this machine reaches in a product of two large matrices, GFLOP/s. */
async function matrixRate(engine: Engine): Promise<number> {
  const n = 1024;
  const b = new Builder('matrix');
  const product = b.matmul(b.input('a', 'float32', [n, n]), b.input('b', 'float32', [n, n]));
  b.output(b.reduceMean(product, [0, 1], false), 'mean');
  const session = await engine.load(serializeOnnx(b.finish()), { name: 'matrix' });
  for (const name of ['a', 'b']) await engine.put(name, float32([n, n], anyNumbers(n * n)));
  const { fastest } = await time(
    () => session.run({ a: engine.slot('a'), b: engine.slot('b') }, {}),
    { runs: 15 },
  );
  await session.release();
  return (2 * n ** 3) / fastest / 1e6;
}
