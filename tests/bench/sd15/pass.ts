/**
 * @file One measurement in a process of its own, so that its first run is a first run: opens the
 * full-size UNet as a round does and says on stdout when what is done. Started by `measure.ts`,
 * from this build or from another's folder.
 */
import { join } from 'node:path';
import { initialAdapter } from '@/trainer/diffusion/adapters/lora';
import { adapterSites } from '@/trainer/diffusion/adapters/sites';
import { Denoiser } from '@/trainer/diffusion/denoise/denoiser';
import { takesScalarTimestep } from '@/trainer/diffusion/denoise/inputs';
import { openPipeline, type Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import { openGraphFile } from '@/trainer/graph/onnx/external-data';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, int64, type Tensor } from '@/trainer/graph/tensor';
import { initialState } from '@/trainer/methods/optimizer/optimizer';
import { Replicas } from '@/trainer/methods/optimizer/replicas';
import { buildDenoise } from '@/trainer/methods/policy/denoise';
import { trainableAdapter } from '@/trainer/methods/policy/trainable';
import { runFeeds } from '@/trainer/methods/policy-gradient/run';
import { buildPolicyGradientStep } from '@/trainer/methods/policy-gradient/step';
import { handsFolder } from '@/trainer/rounds/pipelines/resolve';
import { Engine } from '@/trainer/runtime/engine';
import { matrixRate } from '../matrix-rate';
import { anyNumbers } from '../measure';
import { counted } from '../work';
import type { PassMark, PassOptions } from './marks';

const options = JSON.parse(process.argv[2]!) as PassOptions;
const seen = (mark: PassMark) => process.stdout.write(`${JSON.stringify(mark)}\n`);

/** The built-in pipeline around the full-size UNet: what is beside it is not measured. */
async function pipelineOf(folder: string, size: number): Promise<Pipeline> {
  const denoiser = await openGraphFile(join(folder, 'model.onnx'));
  return {
    ...(await openPipeline(handsFolder)),
    denoiser,
    latentShape: [4, size, size],
    conditioning: { encoder_hidden_states: [77, 768] },
  };
}

const pipeline = await pipelineOf(options.unet, options.latents);
const { graph: unet, folder } = pipeline.denoiser;
const { latentShape: latent, conditioning, scheduler } = pipeline;
const size = latent[0] * latent[1] * latent[2];
const shape = { images: 1, latent, context: conditioning, guidance: 1 };
const context: Record<string, Tensor<'float32'>> = {
  encoder_hidden_states: float32([77, 768], anyNumbers(77 * 768)),
};
const noise = (name: string) => gaussianNoise(name, size);
const trainable = { ...trainableAdapter(unet, 'attention', 4), memoryBytes: options.budgetBytes };

// As the trainer does; another build may know nothing of it.
const home = process.env.DARKROOM_HOME!;
const prepared = { folder: join(home, 'prepared'), mostBytes: 20e9, leastBytes: 64 * 2 ** 20 };
const engine = await Engine.open({ device: 'cpu', prepared });
const run = await (options.pass === 'forward' ? openForward() : openStep());
await run();
seen({ mark: 'first' });
const times: number[] = [];
let last: Float32Array = new Float32Array();
for (let i = 0; i < options.runs; i++) {
  const start = performance.now();
  last = await run();
  times.push(performance.now() - start);
}
seen({ mark: 'steady', ms: times });
seen({
  mark: 'numbers',
  numbers: [...last],
  ...(options.plain && { plain: [...(await plain())] }),
});
seen({ mark: 'matrix', gflops: await matrixRate(engine), ...counted(measuredGraph()) });
await engine.close();
process.exit(0);

/** Drawing's forward pass: its output. */
async function openForward(): Promise<() => Promise<Float32Array>> {
  const denoiser = await Denoiser.open(engine, pipeline, { images: 1, guidance: 1 });
  await denoiser.setPrompts([context], context);
  return () => denoiser.predict(noise('latents'), 500);
}

/**
 * Forward and backward of a policy gradient's run, which is one image: the sums of the adapter's
 * gradients, which otherwise stay in the engine.
 */
async function openStep(): Promise<() => Promise<Float32Array>> {
  const adamW = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 };
  const replicas = await Replicas.open([engine], trainable.tensors, { adamW });
  const [lane] = await replicas.loadGraph(stepGraph(), {
    name: 'step',
    externalDataFolder: folder,
  });
  const { session, optimizer } = lane!;
  await replicas.load(initialState(adapter()));
  let updated = false;
  return async () => {
    await session.run(
      { ...stepFeeds(), ...optimizer.feeds() },
      { fetch: ['loss'], keep: optimizer.sums() },
    );
    const sums = flat(await optimizer.readSums());
    // Once, for a first step ends with it; later ones are to start from the same weights.
    if (!updated) await replicas.update(0);
    updated = true;
    return sums;
  };
}

/** The same by ONNX Runtime as the file says, nothing rewritten by it: what is to come out. */
async function plain(): Promise<Float32Array> {
  const own = await Engine.open({ device: 'cpu' });
  try {
    const as = { externalDataFolder: folder, optimization: 'disabled', prepacking: false } as const;
    if (options.pass === 'forward') {
      const session = await own.load(
        { path: join(options.unet, 'model.onnx') },
        {
          ...as,
          name: 'plain',
        },
      );
      const feeds = {
        sample: float32([1, ...latent], noise('latents')),
        timestep: int64(takesScalarTimestep(unet) ? [] : [1], [500]),
        encoder_hidden_states: float32([1, 77, 768], context.encoder_hidden_states!.data),
      };
      return Object.values(await session.run(feeds))[0]!.data as Float32Array;
    }
    const session = await own.load(serializeOnnx(stepGraph()), { ...as, name: 'plain step' });
    const weights = Object.fromEntries(adapter());
    const zero = trainable.tensors.map(({ name, dims }) => [
      `sum.${name}`,
      float32(dims, new Float32Array(dims.reduce((a, b) => a * b))),
    ]);
    const fetch = zero.map(([name]) => `${name}.next`);
    const feeds = { ...stepFeeds(), ...weights, ...Object.fromEntries(zero) };
    return flat(new Map(Object.entries(await session.run(feeds, { fetch }))));
  } finally {
    await own.close();
  }
}

function stepGraph() {
  // No ratio, which on drawn numbers would be 0 or infinite.
  const loss: Parameters<typeof buildPolicyGradientStep>[2]['loss'] = (
    b,
    { logProbability, advantage },
  ) => b.neg(b.mul(advantage, logProbability));
  return buildPolicyGradientStep(trainable, { ...shape, clip: scheduler.clip }, { loss }, 'step');
}

function stepFeeds() {
  const drawn = {
    prompt: '',
    context,
    reward: 1,
    states: [noise('latents'), noise('next')],
    logProbabilities: [-1],
    reference: [noise('reference')],
  };
  const steps = scheduler.timesteps(20, 1);
  const rows = [{ example: 0, timestepIndex: 0 }];
  const draw = { images: [drawn], advantages: [[1]] };
  const coefficients = () => scheduler.coefficients(steps[10]!, 20, 1);
  return {
    ...runFeeds(draw, rows, coefficients, {
      denoiser: unet,
      shape,
      emptyContext: context,
      total: 1,
    }),
    keepSum: float32([], [0]),
  };
}

/** B is not zero, as it is once something has been learned. */
function adapter() {
  const numbers = gaussianNoise('adapter', 1 << 22);
  let at = 0;
  const fresh = initialAdapter(adapterSites(unet, 'attention').values(), 4, () => numbers[at++]!);
  for (const [name, { data }] of fresh) {
    if (name.includes('lora_B'))
      data.forEach((_, i) => {
        data[i] = numbers[at++]! / 100;
      });
  }
  return fresh;
}

function flat(values: ReadonlyMap<string, Tensor>): Float32Array {
  return Float32Array.from([...values.values()].flatMap(({ data }) => [...(data as Float32Array)]));
}

function measuredGraph() {
  return options.pass === 'forward' ? buildDenoise(trainable, shape, 'base') : stepGraph();
}
