/** @file The built-in UNet forward, and forward with backward: by an adapter and by all weights. */
import { gradients } from '@/trainer/autodiff/gradients';
import { castToPorts, declareDenoiserInputs } from '@/trainer/diffusion/denoise/inputs';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { Builder } from '@/trainer/graph/builder';
import { inline } from '@/trainer/graph/inline';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, sizeOf, type Tensor } from '@/trainer/graph/tensor';
import {
  type Trainable,
  trainableAdapter,
  trainableWeights,
} from '@/trainer/methods/policy/trainable';
import { trainedDenoiser } from '@/trainer/rounds/train/policy-file';
import type { Engine } from '@/trainer/runtime/engine';
import { matrixRate } from './matrix-rate';
import { anyNumbers, timeInTurns } from './measure';
import { floatingPointOperations } from './work';

const everyWeight = { trainables: 'full', loraRank: 1, loraAlpha: 1 } as const;

export interface Passes {
  /** Latents in one pass, and lanes that share them. */
  images: number;
  lanes: number;
  forwardMs: number;
  adapterMs: number;
  fullMs: number;
  /** (forward + backward) / forward. */
  adapterRatio: number;
  fullRatio: number;
  /**
   * The same of matrix products' and convolutions' operations: what is left were all of them
   * equally fast, and all else free.
   */
  adapterOperationsRatio: number;
  fullOperationsRatio: number;
  /**
   * Arithmetic of forward + backward with an adapter per second, over that of large matrix
   * products.
   */
  shareOfMatrixRate: number;
  matrixGflops: number;
  peakMib: number;
}

/**
 * Measures with weights resident in the engine, as training keeps them: in one process with all
 * threads, or in lanes, which a small network is trained in. The three kinds take turns, so that a
 * slower minute of the machine is a slower minute of all.
 */
export async function measurePasses(
  engine: Engine,
  pipeline: Pipeline,
  { images, lanes: count }: { images: number; lanes: number },
): Promise<Passes> {
  const unet = pipeline.denoiser.graph;
  const lanes = await engine.lanes(count);
  const matrixGflops = await matrixRate(engine);
  const everything = trainableWeights(await trainedDenoiser(unet, everyWeight));
  const kinds = [undefined, trainableAdapter(unet, 'attention', 4), everything];
  const passes: Pass[] = [];
  for (const [i, trainable] of kinds.entries()) {
    const open = (lane: Engine) =>
      openPass(lane, pipeline, images / lanes.length, `pass ${i}`, trainable);
    passes.push(together(await Promise.all(lanes.map(open))));
  }
  const [forwardMs, adapterMs, fullMs] = (await timeInTurns(passes.map(({ run }) => run))).map(
    ({ median }) => median,
  ) as [number, number, number];
  const [forward, adapter, full] = passes as [Pass, Pass, Pass];
  for (const { close } of passes) await close();
  return {
    images,
    lanes: lanes.length,
    forwardMs,
    adapterMs,
    fullMs,
    adapterRatio: adapterMs / forwardMs,
    fullRatio: fullMs / forwardMs,
    adapterOperationsRatio: adapter.operations / forward.operations,
    fullOperationsRatio: full.operations / forward.operations,
    shareOfMatrixRate: adapter.operations / adapterMs / 1e6 / matrixGflops,
    matrixGflops,
    peakMib: engine.memory.peakRssBytes / 2 ** 20,
  };
}

/** The lanes' passes as one, which ends with the last of them. */
function together(passes: readonly Pass[]): Pass {
  const all = (of: (pass: Pass) => Promise<unknown>) => Promise.all(passes.map(of));
  return {
    operations: passes.reduce((sum, { operations }) => sum + operations, 0),
    run: () => all((pass) => pass.run()),
    close: async () => {
      await all((pass) => pass.close());
    },
  };
}

interface Pass {
  operations: number;
  run(): Promise<unknown>;
  close(): Promise<void>;
}

async function openPass(
  engine: Engine,
  pipeline: Pipeline,
  images: number,
  label: string,
  trainable: Trainable | undefined,
): Promise<Pass> {
  const { graph: base, folder } = pipeline.denoiser;
  const b = new Builder('pass');
  const weights = trainable?.declare(b) ?? [];
  const context = pipeline.conditioning;
  const shape = { images, latent: pipeline.latentShape, context, guidance: 1 };
  const inputs = declareDenoiserInputs(b, base, shape);
  const feeds = { ...trainable?.feeds, ...castToPorts(b, base, inputs) };
  const options = trainable?.onNode ? { onNode: trainable.onNode } : {};
  const output = Object.values(inline(b, trainable?.denoiser ?? base, { feeds, ...options }))[0]!;
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
    name: label,
    resident,
    externalDataFolder: folder,
  });
  const slots: string[] = [];
  const fed: Record<string, Tensor | ReturnType<Engine['slot']>> = {};
  for (const { name, dims } of graph.inputs) {
    const size = sizeOf(dims as number[]);
    if (!weights.includes(name)) {
      fed[name] =
        name === 'timestep'
          ? float32(dims as number[], new Array(size).fill(500))
          : float32(dims as number[], anyNumbers(size));
      continue;
    }
    const slot = `${label} ${name}`;
    await engine.put(slot, float32(dims as number[], anyNumbers(size)));
    slots.push(slot);
    fed[name] = engine.slot(slot);
  }
  const keep = Object.fromEntries(resident.map((name) => [name, `${label} ${name}`]));
  return {
    operations,
    run: () => session.run(fed, { fetch: ['loss'], keep }),
    async close() {
      await session.release();
      for (const slot of [...slots, ...Object.values(keep)]) await engine.drop(slot);
    },
  };
}
