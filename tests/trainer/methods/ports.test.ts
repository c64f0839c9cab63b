/**
 * A step of every way to train, on every kind of port that an export's UNet may have: the same
 * network gives the same gradient.
 */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeHalfPrecision, writeOtherPorts } from '@/tests/parity/other-ports';
import { relativeL2 } from '@/tests/parity/report';
import { type Adapter, initialAdapter } from '@/trainer/diffusion/adapters/lora';
import { adapterSites } from '@/trainer/diffusion/adapters/sites';
import { openPipeline, type Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import type { Trajectory } from '@/trainer/diffusion/sampling/trajectory';
import { float32, sizeOf, type Tensor } from '@/trainer/graph/tensor';
import { d3po } from '@/trainer/methods/d3po';
import { ddpo } from '@/trainer/methods/ddpo';
import { diffusionDpo } from '@/trainer/methods/diffusion-dpo';
import { draft } from '@/trainer/methods/draft';
import { NoiseTrainer } from '@/trainer/methods/noised-images/noise-trainer';
import { initialState, type TrainState } from '@/trainer/methods/optimizer/optimizer';
import { openConditioning } from '@/trainer/methods/policy/conditioning';
import { trainableAdapter } from '@/trainer/methods/policy/trainable';
import { PolicyGradientTrainer } from '@/trainer/methods/policy-gradient/policy-gradient-trainer';
import { RolloutTrainer } from '@/trainer/methods/rollouts/rollout-trainer';
import { spo } from '@/trainer/methods/spo';
import { SpoTrainer } from '@/trainer/methods/spo/spo-trainer';
import { TransitionTrainer } from '@/trainer/methods/transitions/transition-trainer';
import { brightness } from '@/trainer/rewards/analytic';
import { scorerOf } from '@/trainer/rewards/scorer';
import { Engine } from '@/trainer/runtime/engine';

const golden = fileURLToPath(new URL('../../fixtures/golden', import.meta.url));
const images = 2;
const settings = { steps: 2, eta: 1, guidance: 3 };
/** Without a clip: what is past one has no gradient to compare. */
const free = { beta: 0.1 };

let engine: Engine;
let folder: string;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
  folder = await mkdtemp(join(tmpdir(), 'darkroom-ports-'));
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

interface Opened {
  load(state: TrainState): Promise<void>;
  gradient(): Promise<Adapter>;
  close(): Promise<void>;
}

/** The gradient of one step of each. */
async function gradientsOn(pipeline: Pipeline): Promise<Record<string, Adapter>> {
  const { graph } = pipeline.denoiser;
  const conditioning = await openConditioning(engine, pipeline);
  const size = sizeOf(pipeline.latentShape);
  const prompts = ['1 hand', 'a dog'];
  const contexts = await Promise.all(prompts.map(conditioning.encode));
  const origin = {
    prompts,
    contexts,
    latents: gaussianNoise('x_T', images * size),
    noise: (step: number) => gaussianNoise(`z ${step}`, images * size),
  };
  const common = {
    trainable: trainableAdapter(graph, 'attention', 4),
    adamW: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 },
    learningRate: 1e-3,
  };
  const drawing = {
    ...common,
    pipeline,
    emptyContext: conditioning.options.emptyContext,
    settings,
    images,
    eligibleSteps: settings.steps,
    openScorer: scorerOf(brightness),
  };
  const trajectory = (name: string): Trajectory => ({
    prompt: '1 hand',
    seed: 0,
    noiseSeed: 0,
    settings,
    timesteps: pipeline.scheduler.timesteps(settings.steps),
    latents: float32([3, ...pipeline.latentShape], gaussianNoise(name, 3 * size)),
    logProbabilities: new Float64Array(settings.steps),
  });
  const random = () => 0.5;
  const found: Record<string, Adapter> = {};
  const step = async <T extends Opened>(
    kind: string,
    opening: Promise<T>,
    take: (trainer: T) => Promise<unknown>,
  ) => {
    const trainer = await opening;
    await trainer.load(initialState(adapterFor(pipeline)));
    await take(trainer);
    found[kind] = await trainer.gradient();
    await trainer.close();
  };
  await step(
    'pairs',
    TransitionTrainer.open(engine, {
      ...common,
      ...conditioning.options,
      inferenceSteps: settings.steps,
      eta: settings.eta,
      guidance: settings.guidance,
      loss: d3po(free),
      run: { images, comparisons: 1 },
      reference: 'base',
    }),
    (trainer) =>
      trainer.step(
        [
          {
            context: contexts[0]!,
            images: [trajectory('winner'), trajectory('loser')],
            comparisons: [{ winner: 0, loser: 1, weight: 1 }],
          },
        ],
        [[0]],
      ),
  );
  await step(
    'finished images',
    NoiseTrainer.open(engine, {
      ...common,
      ...conditioning.options,
      method: diffusionDpo({ beta: 500 }),
      images,
      examplesPerStep: 1,
      reference: 'base',
    }),
    (trainer) =>
      trainer.step(
        [
          {
            images: [gaussianNoise('w', size), gaussianNoise('l', size)],
            context: contexts[0]!,
            weight: 1,
          },
        ],
        [{ timestep: 500, noise: gaussianNoise('ε', size), withoutPrompt: false }],
      ),
  );
  await step(
    'reward gradient',
    RolloutTrainer.open(engine, {
      ...drawing,
      method: draft({ truncation: 1 }),
      reward: brightness,
    }),
    (trainer) => trainer.step([{ ...origin, rewardFeeds: {} }], random),
  );
  await step(
    'policy gradient',
    PolicyGradientTrainer.open(engine, {
      ...drawing,
      drawImages: images,
      method: ddpo({
        clipRange: 1e-3,
        advantageClip: 5,
        perPrompt: false,
        buffer: 16,
        minimum: 16,
      }),
    }),
    (trainer) =>
      trainer.epoch(
        [origin],
        [[0, 1].flatMap((example) => [0, 1].map((timestepIndex) => ({ example, timestepIndex })))],
        random,
      ),
  );
  await step(
    'pairs of a step',
    SpoTrainer.open(engine, {
      ...drawing,
      ...spo({ candidates: 2, startStep: 0, threshold: 0, scoreScale: 1 }, free),
    }),
    async (trainer) => trainer.update((await trainer.draw([origin], random)).pairs),
  );
  await conditioning.release();
  return found;
}

/** Both halves away from 0: the policy is not its reference. */
function adapterFor({ denoiser }: Pipeline): Adapter {
  const draws = gaussianNoise('adapter', 100_000);
  let drawn = 0;
  const z = () => draws[drawn++]!;
  const blank = initialAdapter(adapterSites(denoiser.graph, 'attention').values(), 4, z);
  return new Map(
    [...blank].map(([name, { dims, data }]) => [
      name,
      float32(
        dims,
        data.map((value) => value + 0.1 * z()),
      ),
    ]),
  );
}

const tensorsOf = (gradient: Adapter): Tensor[] => [...gradient.values()];

async function gradientsWith(
  name: string,
  write: (from: string, here: string) => Promise<void>,
): Promise<Record<string, Adapter>> {
  const here = join(folder, name);
  await write(golden, here);
  return gradientsOn(await openPipeline(join(here, 'tiny-sd')));
}

let wanted: Record<string, Adapter>;
beforeAll(async () => {
  wanted = await gradientsWith('int64', (from, here) => cp(from, here, { recursive: true }));
});

function normOf(gradient: Adapter): number {
  return Math.hypot(...tensorsOf(gradient).flatMap(({ data }) => [...(data as Float32Array)]));
}

it.each(['int32', 'float32'] as const)('a timestep of %s', async (dtype) => {
  const found = await gradientsWith(dtype, (from, here) => writeOtherPorts(from, here, dtype));
  expect(Object.keys(found)).toHaveLength(5);
  for (const [kind, gradient] of Object.entries(found)) {
    expect(normOf(gradient), kind).toBeGreaterThan(0);
    expect(relativeL2(tensorsOf(gradient), tensorsOf(wanted[kind]!)), kind).toBeLessThan(1e-6);
  }
});

it('a flow, told of its timesteps by numbers between whole ones', async () => {
  const found = await gradientsWith('flow', async (from, here) => {
    await writeOtherPorts(from, here, 'float32');
    const file = join(here, 'tiny-sd/scheduler/scheduler_config.json');
    const flow = { _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 3 };
    await writeFile(file, JSON.stringify(flow));
  });
  expect(Object.keys(found)).toHaveLength(5);
  for (const [kind, gradient] of Object.entries(found)) {
    expect(normOf(gradient), kind).toBeGreaterThan(0);
    // The same network, but its outputs mean something else.
    expect(relativeL2(tensorsOf(gradient), tensorsOf(wanted[kind]!)), kind).toBeGreaterThan(0.1);
  }
});

// Rounded weights are other weights, and another candidate may win: what is asked is that they
// train.
it('weights in half precision', async () => {
  const found = await gradientsWith('half', writeHalfPrecision);
  expect(Object.keys(found)).toHaveLength(5);
  for (const [kind, gradient] of Object.entries(found)) {
    expect(normOf(gradient), kind).toBeGreaterThan(0);
    expect(normOf(gradient), kind).toBeLessThan(Number.POSITIVE_INFINITY);
  }
});
