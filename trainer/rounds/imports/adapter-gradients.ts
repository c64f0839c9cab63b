/**
 * @file One pass backwards for each kind of adapter: every site must get a gradient that is made of
 * numbers, and not of zeros alone.
 */
import { AppError } from '@/lib/errors';
import { gradients } from '@/trainer/autodiff/gradients';
import { denoiserFeeds } from '@/trainer/diffusion/denoise/inputs';
import type { Conditioning } from '@/trainer/diffusion/pipelines/conditioning';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { startingNoise } from '@/trainer/diffusion/sampling/noise';
import { Builder, type Value } from '@/trainer/graph/builder';
import { GraphError } from '@/trainer/graph/model';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, sizeOf, type Tensor } from '@/trainer/graph/tensor';
import { declareGuidedPolicy } from '@/trainer/methods/policy/guided-policy';
import {
  type Trainable,
  trainableAdapter,
  trainableWeights,
} from '@/trainer/methods/policy/trainable';
import { type Engine, outputOf } from '@/trainer/runtime/engine';
import { randomOf } from '../draw/random';
import { targetsOf } from '../train/method-settings';

const rank = 4;

/** The kinds of adapters, as a run's settings name them. */
export const adapterKinds = Object.keys(targetsOf) as (keyof typeof targetsOf)[];

/**
 * How many modules each kind of training reaches: adapters' sites, and tensors where all weights
 * are trained; null where it cannot be trained so. @throws AppError where not even attention can,
 * or where a site has no gradient
 */
export async function tryAdapters(
  engine: Engine,
  pipeline: Pipeline,
  context: Conditioning,
  ran: (done: number) => Promise<void>,
): Promise<Record<string, number | null>> {
  const found: Record<string, number | null> = {};
  const { graph } = pipeline.denoiser;
  for (const [i, kind] of adapterKinds.entries()) {
    const trainable = open(() => trainableAdapter(graph, targetsOf[kind], rank), i === 0);
    if (trainable) await tryOne(engine, pipeline, trainable, context);
    found[kind] = trainable && trainable.tensors.length / 2;
    await ran(i + 1);
  }
  found.full = open(() => trainableWeights(graph), false)?.tensors.length ?? null;
  return found;
}

function open(make: () => Trainable, needed: boolean): Trainable | null {
  try {
    return make();
  } catch (thrown) {
    if (!needed && thrown instanceof GraphError) return null;
    throw thrown;
  }
}

async function tryOne(
  engine: Engine,
  pipeline: Pipeline,
  trainable: Trainable,
  context: Conditioning,
): Promise<void> {
  const shape = {
    images: 1,
    latent: pipeline.latentShape,
    context: pipeline.conditioning,
    guidance: 1,
  };
  const b = new Builder('adapter gradients');
  const { weights, output } = declareGuidedPolicy(b, trainable, shape, 'trained');
  const seed = b.input('seed', 'float32', b.dims(output));
  const found = gradients(b, { of: output, wrt: weights, seed });
  // One number for each tensor: none of its values is NaN or infinite, and one at least is not 0.
  b.output(
    b.concat(
      found.map((gradient) => magnitude(b, gradient)),
      0,
    ),
    'magnitudes',
  );
  const session = await engine.load(serializeOnnx(b.finish()), {
    name: 'adapter gradients',
    externalDataFolder: pipeline.denoiser.folder,
  });
  const { gaussian } = randomOf('adapter gradients', rank);
  const drawn = trainable.tensors.map(({ name, dims }): [string, Tensor] => [
    name,
    float32(
      dims,
      Float32Array.from({ length: sizeOf(dims) }, () => gaussian() / rank),
    ),
  ]);
  const { scheduler, latentShape } = pipeline;
  const [timestep = 0] = scheduler.timesteps(3).slice(1);
  const size = sizeOf(latentShape);
  const outputs = await session.run({
    ...denoiserFeeds(trainable.denoiser, shape, {
      latents: startingNoise(1, size),
      timesteps: [timestep],
      contexts: [context],
      emptyContext: context,
    }),
    ...Object.fromEntries(drawn),
    seed: float32([1, ...latentShape], startingNoise(2, size)),
  });
  await session.release();
  const magnitudes = outputOf(outputs, 'magnitudes', 'float32').data;
  const names = new Set(trainable.tensors.map(({ name }) => name));
  for (const [i, { name }] of trainable.tensors.entries()) {
    const value = magnitudes[i]!;
    if (Number.isFinite(value) && value > 0) continue;
    if (value === 0 && asksForNothing(name, names)) continue;
    const what = value === 0 ? 'is zero throughout' : 'is not made of numbers (NaN or infinity)';
    throw new AppError(
      'unprocessable',
      `${pipeline.denoiser.graph.source}: the gradient by the adapter's "${name}" ${what}, so nothing could be trained there. Export this network again, in float32, and compare what it gives with the original.`,
    );
  }
}

/**
 * Whether a module of joint attention cannot matter: the last block of Stable Diffusion 3 gives the
 * text nothing back (it has no `to_add_out`), so what the text asks for is thrown away.
 */
function asksForNothing(name: string, names: ReadonlySet<string>): boolean {
  return name.includes('.add_q_proj.') && !names.has(name.replace('.add_q_proj.', '.to_add_out.'));
}

function magnitude(b: Builder, value: Value): Value {
  return b.reshape(b.op('ReduceSum', [b.op('Abs', [value])], { keepdims: 0 }), [1]);
}
