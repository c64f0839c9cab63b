/**
 * SPO on the tiny Stable Diffusion of golden data: its gradient is D3PO's, and what a reward
 * prefers becomes likelier.
 */

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Adapter, initialAdapter } from '@/trainer/diffusion/adapters/lora';
import { adapterSites } from '@/trainer/diffusion/adapters/sites';
import type { Conditioning } from '@/trainer/diffusion/pipelines/conditioning';
import { openPipeline, type Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import type { Trajectory } from '@/trainer/diffusion/sampling/trajectory';
import { float32, sizeOf } from '@/trainer/graph/tensor';
import { d3po } from '@/trainer/methods/d3po';
import { NonFiniteError } from '@/trainer/methods/optimizer/non-finite';
import { initialState } from '@/trainer/methods/optimizer/optimizer';
import { openConditioning } from '@/trainer/methods/policy/conditioning';
import { trainableAdapter } from '@/trainer/methods/policy/trainable';
import type { DrawOrigin } from '@/trainer/methods/policy-gradient/draw';
import type { StepPair } from '@/trainer/methods/spo/draw';
import { SpoTrainer, type SpoTrainerOptions } from '@/trainer/methods/spo/spo-trainer';
import { TransitionTrainer } from '@/trainer/methods/transitions/transition-trainer';
import { createRandom } from '@/trainer/random';
import { brightness } from '@/trainer/rewards/analytic';
import { scorerOf } from '@/trainer/rewards/scorer';
import { Engine } from '@/trainer/runtime/engine';

const golden = fileURLToPath(new URL('../../../fixtures/golden/tiny-sd', import.meta.url));
const images = 2;
const settings = { steps: 3, eta: 1, guidance: 3 };
const adamW = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 };
const loss = d3po({ beta: 10, clipRange: 0.1, clipForm: 'hard' });
let engine: Engine;
let pipeline: Pipeline;
let emptyContext: Conditioning;
let batch: DrawOrigin;
let adapter: Adapter;

beforeAll(async () => {
  // Two lanes: each draws one of two images, and takes its turn at the runs.
  engine = await Engine.open({ device: 'cpu', threads: 2 });
  pipeline = await openPipeline(golden);
  const conditioning = await openConditioning(engine, pipeline);
  emptyContext = conditioning.options.emptyContext;
  const size = images * sizeOf(pipeline.latentShape);
  const prompts = ['1 hand', 'a dog'];
  batch = {
    prompts,
    contexts: await Promise.all(prompts.map(conditioning.encode)),
    latents: gaussianNoise('x_T', size),
    noise: (step) => gaussianNoise(`z ${step}`, size),
  };
  await conditioning.release();
  const draws = gaussianNoise('adapter', 100_000);
  let drawn = 0;
  const z = () => draws[drawn++]!;
  const sites = adapterSites(pipeline.denoiser.graph, 'attention');
  adapter = new Map(
    [...initialAdapter(sites.values(), 4, z)].map(([name, { dims, data }]) => [
      name,
      // Both halves away from 0: the policy is not its reference.
      float32(
        dims,
        data.map((value) => value + 0.1 * z()),
      ),
    ]),
  );
});
afterAll(() => engine.close());

const common = () => ({
  trainable: trainableAdapter(pipeline.denoiser.graph, 'attention', 4),
  emptyContext,
  adamW,
  learningRate: 1e-3,
});

async function open(changes: Partial<SpoTrainerOptions> = {}): Promise<SpoTrainer> {
  const trainer = await SpoTrainer.open(engine, {
    ...common(),
    pipeline,
    settings,
    images,
    eligibleSteps: settings.steps,
    choice: { candidates: 3, startStep: 1, threshold: 0, scoreScale: 1 },
    loss,
    openScorer: scorerOf(brightness),
    ...changes,
  });
  await trainer.load(initialState(adapter));
  return trainer;
}

const draw = (trainer: SpoTrainer, seed = 1) => {
  const random = createRandom(seed);
  return trainer.draw([batch], () => random.next());
};

/** A path that is nothing but one transition. */
function trajectoryOf(
  { sample, reference, timestepIndex }: StepPair,
  next: Float32Array,
): Trajectory {
  const { steps } = settings;
  const size = sample.length;
  const latents = new Float32Array((steps + 1) * size);
  latents.set(sample, timestepIndex * size);
  latents.set(next, (timestepIndex + 1) * size);
  const predictions = new Float32Array(steps * size);
  predictions.set(reference, timestepIndex * size);
  return {
    prompt: '',
    seed: 0,
    noiseSeed: 0,
    settings,
    timesteps: pipeline.scheduler.timesteps(steps),
    latents: float32([steps + 1, ...pipeline.latentShape], latents),
    logProbabilities: new Float64Array(steps),
    predictions: float32([steps, ...pipeline.latentShape], predictions),
  };
}

it.each([
  ['hard', 0.1],
  ['hard', 1e-4],
  ['ppo-min', 1e-4],
  ['soft', 1e-3],
] as const)(
  'has the gradient of D3PO on the same transitions: %s, %f',
  async (clipForm, clipRange) => {
    const own = d3po({ beta: 10, clipRange, clipForm });
    const trainer = await open({ learningRate: 0, loss: own });
    const { pairs } = await draw(trainer);
    // Runs of two: one row only fills up the last.
    const some = pairs.slice(0, 3);
    expect(some).toHaveLength(3);
    const updated = await trainer.update(some);
    const found = await trainer.gradient();
    await trainer.close();

    const reference = await TransitionTrainer.open(engine, {
      ...common(),
      externalDataFolder: pipeline.denoiser.folder,
      scheduler: pipeline.scheduler,
      latent: pipeline.latentShape,
      context: pipeline.conditioning,
      inferenceSteps: settings.steps,
      eta: settings.eta,
      guidance: settings.guidance,
      loss: own,
      run: { images: 2, comparisons: 1 },
    });
    await reference.load(initialState(adapter));
    const { transitions } = await reference.step(
      some.map((pair) => ({
        context: pair.context,
        images: [trajectoryOf(pair, pair.winner), trajectoryOf(pair, pair.loser)],
        comparisons: [{ winner: 0, loser: 1, weight: 1 }],
      })),
      some.map(({ timestepIndex }) => [timestepIndex]),
    );
    const wanted = await reference.gradient();
    await reference.close();

    const byStep = (one: { timestepIndex: number; loss: number }[]) =>
      one.map(({ timestepIndex, loss: value }) => `${timestepIndex} ${value.toFixed(4)}`).sort();
    expect(byStep(updated.pairs)).toEqual(byStep(transitions));
    const clipped = updated.pairs.map(({ clipFraction }) => clipFraction).sort();
    expect(clipped).toEqual(transitions.map(({ clipFraction }) => clipFraction).sort());
    let [gap, size] = [0, 0];
    for (const [name, { data }] of wanted) {
      for (const [i, value] of data.entries()) {
        gap += (value - found.get(name)!.data[i]!) ** 2;
        size += value ** 2;
      }
    }
    if (clipForm !== 'hard' || clipRange === 0.1) expect(size).toBeGreaterThan(0);
    expect(Math.sqrt(gap)).toBeLessThanOrEqual(1e-4 * Math.sqrt(size));
  },
);

it('makes what the reward prefers likelier, relative to the base', async () => {
  const trainer = await open();
  const { pairs, scores } = await draw(trainer);
  expect(scores.every((score) => score > 0 && score < 1)).toBe(true);
  const marginOf = (shown: { logRatioWinner: number; logRatioLoser: number }[]) =>
    shown.reduce((sum, one) => sum + one.logRatioWinner - one.logRatioLoser, 0);
  const first = await trainer.update(pairs);
  expect(first.gradNorm).toBeGreaterThan(0);
  for (let i = 0; i < 4; i++) await trainer.update(pairs);
  const last = await trainer.update(pairs);
  await trainer.close();
  expect(marginOf(last.pairs)).toBeGreaterThan(marginOf(first.pairs));
});

it('draws the same again, and goes on exactly from a state', async () => {
  const trainer = await open();
  const one = await draw(trainer);
  expect(await draw(trainer)).toEqual(one);
  await trainer.update(one.pairs);
  const between = await trainer.state();
  const next = async () => {
    const drawn = await draw(trainer, 2);
    return { drawn, update: await trainer.update(drawn.pairs), state: await trainer.state() };
  };
  const wanted = await next();
  await trainer.load(between);
  expect(await next()).toEqual(wanted);
  await trainer.close();
});

it('stops at NaN, saying where', async () => {
  const trainer = await open();
  const { pairs } = await draw(trainer);
  const broken = new Map(
    [...adapter].map(([name, { dims, data }]) => [
      name,
      float32(
        dims,
        data.map(() => Number.NaN),
      ),
    ]),
  );
  await trainer.load(initialState(broken));
  await expect(trainer.update(pairs)).rejects.toThrow(NonFiniteError);
  await expect(trainer.update(pairs)).rejects.toThrow(/t = \d+ in step 1/);
  await trainer.close();
});
