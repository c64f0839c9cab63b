/**
 * Policy gradients of whole draws on the tiny Stable Diffusion of golden data: slopes, importance
 * weights, resumption.
 */

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dpokSettings } from '@/lib/settings/policy-gradient';
import { type Adapter, initialAdapter } from '@/trainer/diffusion/adapters/lora';
import { adapterSites } from '@/trainer/diffusion/adapters/sites';
import type { Conditioning } from '@/trainer/diffusion/pipelines/conditioning';
import { openPipeline, type Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import { float32, sizeOf } from '@/trainer/graph/tensor';
import { ddpo } from '@/trainer/methods/ddpo';
import { dpok } from '@/trainer/methods/dpok';
import { NonFiniteError } from '@/trainer/methods/optimizer/non-finite';
import { initialState } from '@/trainer/methods/optimizer/optimizer';
import { openConditioning } from '@/trainer/methods/policy/conditioning';
import { trainableAdapter } from '@/trainer/methods/policy/trainable';
import { AdvantageTracker } from '@/trainer/methods/policy-gradient/advantages';
import type { DrawOrigin } from '@/trainer/methods/policy-gradient/draw';
import type { PolicyGradientMethod } from '@/trainer/methods/policy-gradient/method';
import {
  PolicyGradientTrainer,
  type PolicyGradientTrainerOptions,
} from '@/trainer/methods/policy-gradient/policy-gradient-trainer';
import type { TransitionReport, WeighedDraw } from '@/trainer/methods/policy-gradient/run';
import { createRandom } from '@/trainer/random';
import { brightness } from '@/trainer/rewards/analytic';
import { type OpenScorer, scorerOf } from '@/trainer/rewards/scorer';
import { Engine } from '@/trainer/runtime/engine';

const golden = fileURLToPath(new URL('../../../fixtures/golden/tiny-sd', import.meta.url));
const images = 2;
const steps = 3;
let engine: Engine;
let pipeline: Pipeline;
let emptyContext: Conditioning;
let batches: DrawOrigin[];
let adapter: Adapter;

beforeAll(async () => {
  // Two lanes: each draws one of two images, and takes its turn at the runs.
  engine = await Engine.open({ device: 'cpu', threads: 2 });
  pipeline = await openPipeline(golden);
  const conditioning = await openConditioning(engine, pipeline);
  emptyContext = conditioning.options.emptyContext;
  const size = images * sizeOf(pipeline.latentShape);
  const prompts = ['1 hand', 'a dog'];
  const contexts = await Promise.all(prompts.map(conditioning.encode));
  batches = ['first', 'second'].map((name) => ({
    prompts,
    contexts,
    latents: gaussianNoise(`x_T ${name}`, size),
    noise: (step) => gaussianNoise(`z ${name} ${step}`, size),
  }));
  await conditioning.release();
  const draws = gaussianNoise('adapter', 100_000);
  let drawn = 0;
  const z = () => draws[drawn++]!;
  const sites = adapterSites(pipeline.denoiser.graph, 'attention');
  adapter = new Map(
    [...initialAdapter(sites.values(), 4, z)].map(([name, { dims, data }]) => [
      name,
      // Both halves away from 0, so that both have a gradient worth comparing.
      float32(
        dims,
        data.map((value) => value + 0.1 * z()),
      ),
    ]),
  );
});
afterAll(() => engine.close());

const standardized = { perPrompt: false, buffer: 16, minimum: 16 };

function open(
  method: PolicyGradientMethod,
  changes: Partial<PolicyGradientTrainerOptions> = {},
): Promise<PolicyGradientTrainer> {
  return PolicyGradientTrainer.open(engine, {
    trainable: trainableAdapter(pipeline.denoiser.graph, 'attention', 4),
    pipeline,
    emptyContext,
    settings: { steps, eta: 1, guidance: 3 },
    images,
    drawImages: 2 * images,
    eligibleSteps: steps,
    method,
    openScorer: scorerOf(brightness),
    adamW: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 },
    learningRate: 1e-3,
    ...changes,
  });
}

/** All timesteps of these images of a draw. */
const rowsOf = (examples: readonly number[]) =>
  examples.flatMap((example) =>
    Array.from({ length: steps }, (_, timestepIndex) => ({ example, timestepIndex })),
  );

const displaced = (from: Adapter, by: (name: string, i: number) => number): Adapter =>
  new Map(
    [...from].map(([name, { dims, data }]) => [
      name,
      float32(
        dims,
        data.map((value, i) => value + by(name, i)),
      ),
    ]),
  );

describe('the gradient of a step equals finite differences of its loss, stored numbers frozen', () => {
  /**
   * Relative gap between the slope along the gradient by central differences and the gradient's
   * length.
   */
  async function gapOf(method: PolicyGradientMethod) {
    const trainer = await open(method, { learningRate: 0 });
    await trainer.load(initialState(adapter));
    const drawn = await trainer.draw(batches);
    const draw: WeighedDraw = {
      images: drawn,
      advantages: [1.5, -0.7, 0.4, -1.2].map((advantage) =>
        Float64Array.from({ length: steps }, (_, step) => advantage * (1 + step)),
      ),
    };
    const at = async (weights: Adapter) => {
      await trainer.load(initialState(weights));
      // Three images in runs of two: one row of every timestep only fills up its run.
      const { transitions } = await trainer.update(draw, rowsOf([0, 3, 2]));
      const loss = transitions.reduce((sum, t) => sum + t.loss, 0) / transitions.length;
      return { loss, transitions };
    };
    // Not where it was drawn: some ratios are clipped by now, others are not.
    const moved = gaussianNoise('moved', 100_000);
    let next = 0;
    const here = displaced(adapter, () => 0.02 * moved[next++]!);
    const { transitions } = await at(here);
    const gradient = await trainer.gradient();
    const length = Math.sqrt(
      [...gradient.values()].reduce(
        (sum, { data }) => sum + data.reduce((s, g) => s + g * g, 0),
        0,
      ),
    );
    expect(length).toBeGreaterThan(0);
    const h = 0.002;
    const along = (sign: number) =>
      displaced(here, (name, i) => (sign * h * gradient.get(name)!.data[i]!) / length);
    const [up, down] = [await at(along(1)), await at(along(-1))];
    await trainer.close();
    const clipped = transitions.filter((transition) => transition.clipped).length;
    expect(clipped).toBeGreaterThan(0);
    expect(clipped).toBeLessThan(transitions.length);
    return Math.abs((up.loss - down.loss) / (2 * h) / length - 1);
  }

  it('for DDPO', async () => {
    const method = ddpo({ ...standardized, clipRange: 0.003, advantageClip: 2 });
    expect(await gapOf(method)).toBeLessThan(2e-3);
  });

  it('for DPOK, held to the base', async () => {
    expect(await gapOf(dpok({ clipRange: 0.003, rewardWeight: 2, klWeight: 5 }))).toBeLessThan(
      2e-3,
    );
  });
});

describe('a draw and the steps on it', () => {
  const two = [rowsOf([0, 2]), rowsOf([1, 3])];

  it.each([
    ['DDPO', () => ddpo({ ...standardized, clipRange: 1e-4, advantageClip: 5 })],
    ['DPOK', () => dpok({ clipRange: 1e-4, rewardWeight: 1, klWeight: 0 })],
  ])('begin at ratio 1 and leave it after the first step, for %s', async (name, method) => {
    const trainer = await open(method());
    await trainer.load(initialState(adapter));
    const { updates, rewards } = await trainer.epoch(batches, two, Math.random);
    await trainer.close();
    expect(new Set(rewards).size).toBe(4);
    const [first, second] = updates.map(({ transitions }) => transitions) as [
      TransitionReport[],
      TransitionReport[],
    ];
    const logRatios = (of: TransitionReport[]) => of.map(({ logRatio }) => Math.abs(logRatio));
    expect(Math.max(...logRatios(first))).toBeLessThan(2e-5);
    expect(Math.max(...logRatios(second))).toBeGreaterThan(1e-4);
    // At ratio 1 a transition's loss is minus its image's advantage.
    const advantages =
      name === 'DPOK' ? rewards : new AdvantageTracker(standardized).advantages([], rewards);
    for (const [i, { loss, kl }] of first.entries()) {
      expect(loss).toBeCloseTo(-advantages[i % 2 === 0 ? 0 : 2]!, 3);
      // DPOK's distance is from the base, from which this adapter has moved; DDPO's from the policy
      // that drew.
      if (name === 'DPOK') expect(kl).toBeGreaterThan(1e-6);
      else expect(kl).toBeLessThan(1e-9);
    }
  });

  it('are the same bit for bit when drawn again, and go on exactly from a state', async () => {
    const method = () =>
      dpok({
        clipRange: 1e-4,
        rewardWeight: dpokSettings.rewardWeight.default,
        klWeight: 0.01,
        value: { learningRate: 1e-2, steps: 2 },
      });
    const epoch = (trainer: PolicyGradientTrainer, seed: number) => {
      const random = createRandom(seed);
      return trainer.epoch(batches, two, () => random.next());
    };
    const whole = await open(method());
    await whole.load(initialState(adapter));
    await epoch(whole, 1);
    const between = await whole.state();
    expect(between.step).toBe(2);
    const wanted = await epoch(whole, 2);
    const end = await whole.state();
    await whole.close();
    const resumed = await open(method());
    await resumed.load(between);
    expect(await epoch(resumed, 2)).toEqual(wanted);
    expect(await resumed.state()).toEqual(end);
    await resumed.close();
  });

  it('take any function of pixels as reward, and make what it prefers likelier', async () => {
    const seen: number[][] = [];
    const fewDarkPixels: OpenScorer = async (_, { images: n, height, width }) => ({
      name: 'few dark pixels',
      async score(pixels, prompts) {
        expect(pixels).toHaveLength(n * 3 * height * width);
        expect(prompts).toEqual(['1 hand', 'a dog']);
        expect(pixels.every((value) => value >= 0 && value <= 1)).toBe(true);
        const size = pixels.length / n;
        const counts = Array.from(
          { length: n },
          (_, i) => -pixels.subarray(i * size, (i + 1) * size).filter((v) => v < 0.5).length,
        );
        seen.push(counts);
        return { scores: Float32Array.from(counts), parts: {} };
      },
      release: async () => {},
    });
    const trainer = await open(ddpo({ ...standardized, clipRange: 0.5, advantageClip: 5 }), {
      openScorer: fewDarkPixels,
    });
    await trainer.load(initialState(adapter));
    const drawn = await trainer.draw(batches);
    expect(drawn.map(({ reward }) => reward)).toEqual(seen.flat());
    const mean = seen.flat().reduce((sum, value) => sum + value, 0) / 4;
    const draw: WeighedDraw = {
      images: drawn,
      advantages: drawn.map(({ reward }) => new Float64Array(steps).fill(reward - mean)),
    };
    for (let i = 0; i < 4; i++) await trainer.update(draw, rowsOf([0, 1, 2, 3]));
    const { transitions } = await trainer.update(draw, rowsOf([0, 1, 2, 3]));
    await trainer.close();
    // Rows come timestep by timestep, the images in order.
    const gained = transitions.reduce(
      (sum, { logRatio }, i) => sum + logRatio * ((drawn[i % 4]?.reward as number) - mean),
      0,
    );
    expect(gained).toBeGreaterThan(0);
  });

  it('stop at a reward that is no number, and at eta 0', async () => {
    const broken: OpenScorer = async () => ({
      name: 'broken',
      score: async () => ({ scores: Float32Array.of(1, Number.NaN), parts: {} }),
      release: async () => {},
    });
    const method = ddpo({ ...standardized, clipRange: 1e-4, advantageClip: 5 });
    const trainer = await open(method, { openScorer: broken });
    await trainer.load(initialState(adapter));
    await expect(trainer.draw(batches)).rejects.toThrow(NonFiniteError);
    await expect(trainer.draw(batches)).rejects.toThrow('"broken" gave NaN');
    await trainer.close();
    const still = await open(method, { settings: { steps, eta: 0, guidance: 3 } });
    await still.load(initialState(adapter));
    await expect(still.draw(batches)).rejects.toThrow('eta above 0');
    await still.close();
  });
});
