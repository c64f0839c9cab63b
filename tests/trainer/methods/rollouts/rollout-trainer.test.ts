/** Gradients of whole rollouts against finite differences, where PyTorch's numbers do not reach. */

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { writeTinyPipeline } from '@/tests/support/tiny-pipeline';
import { MemoryBudgetError } from '@/trainer/autodiff/memory-budget-error';
import { type Adapter, initialAdapter } from '@/trainer/diffusion/adapters/lora';
import { adapterSites } from '@/trainer/diffusion/adapters/sites';
import type { Conditioning } from '@/trainer/diffusion/pipelines/conditioning';
import { openPipeline, type Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import type { Scheduler } from '@/trainer/diffusion/schedulers/scheduler';
import { schedulerFileSchema, schedulerOf } from '@/trainer/diffusion/schedulers/scheduler-file';
import { float32, sizeOf } from '@/trainer/graph/tensor';
import { adjointMatching } from '@/trainer/methods/adjoint-matching';
import { draft } from '@/trainer/methods/draft';
import { draftLv } from '@/trainer/methods/draft-lv';
import { draftPlus } from '@/trainer/methods/draft-plus';
import { initialState } from '@/trainer/methods/optimizer/optimizer';
import { openConditioning } from '@/trainer/methods/policy/conditioning';
import { trainableAdapter } from '@/trainer/methods/policy/trainable';
import { refl } from '@/trainer/methods/refl';
import type { RewardGradientMethod } from '@/trainer/methods/rollouts/plan';
import {
  type RolloutBatch,
  RolloutTrainer,
  type RolloutTrainerOptions,
} from '@/trainer/methods/rollouts/rollout-trainer';
import { brightness, symmetry } from '@/trainer/rewards/analytic';
import type { Reward } from '@/trainer/rewards/reward';
import { Engine } from '@/trainer/runtime/engine';

const images = 3;
let engine: Engine;
/** Two lanes: of three images one takes two, and the other one and room for another. */
let inLanes: Engine;
let pipeline: Pipeline;
let batch: RolloutBatch;
let emptyContext: Conditioning;
let adapter: Adapter;

beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
  inLanes = await Engine.open({ device: 'cpu', threads: 2 });
  const folder = join(mkdtempSync(join(tmpdir(), 'darkroom-rollouts-')), 'tiny');
  await writeTinyPipeline(folder);
  pipeline = await openPipeline(folder);
  const conditioning = await openConditioning(engine, pipeline);
  emptyContext = conditioning.options.emptyContext;
  const size = images * sizeOf(pipeline.latentShape);
  batch = {
    latents: gaussianNoise('x_T', size),
    contexts: [
      await conditioning.encode('1 hand'),
      await conditioning.encode('1 hand, red sleeve'),
      await conditioning.encode('a dog'),
    ],
    rewardFeeds: {},
    noise: (step) => gaussianNoise(`z ${step}`, size),
  };
  await conditioning.release();
  const sites = adapterSites(pipeline.denoiser.graph, 'attention');
  const draws = gaussianNoise('adapter', 100_000);
  let drawn = 0;
  adapter = new Map(
    [...initialAdapter(sites.values(), 4, () => draws[drawn++]!)].map(([name, { dims, data }]) => [
      name,
      // Both halves away from 0, so that both have a gradient worth comparing.
      float32(
        dims,
        data.map((value) => value + 0.3 * draws[drawn++]!),
      ),
    ]),
  );
});
afterAll(async () => {
  await engine.close();
  await inLanes.close();
});

interface Found {
  loss: number;
  gradient: Adapter;
}

interface Changes {
  reference?: Adapter;
  on?: Engine;
  scheduler?: Scheduler;
  eta?: number;
  guidance?: number;
  memoryBytes?: number;
}

const schedulers = {
  trailing: schedulerOf(schedulerFileSchema.parse({ timestep_spacing: 'trailing' })),
  flow: schedulerOf(
    schedulerFileSchema.parse({ _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 3 }),
  ),
  solver: schedulerOf(
    schedulerFileSchema.parse({
      _class_name: 'DPMSolverMultistepScheduler',
      use_flow_sigmas: true,
      prediction_type: 'flow_prediction',
      flow_shift: 3,
    }),
  ),
};

function optionsOf(
  method: RewardGradientMethod,
  reward: Reward,
  steps: number,
  { reference, scheduler = pipeline.scheduler, eta = 1, guidance = 3, memoryBytes }: Changes = {},
): RolloutTrainerOptions {
  return {
    trainable: { ...trainableAdapter(pipeline.denoiser.graph, 'attention', 4), memoryBytes },
    pipeline: { ...pipeline, scheduler },
    emptyContext,
    settings: { steps, eta, guidance },
    images,
    method,
    reward,
    adamW: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 },
    learningRate: 0,
    ...(reference && { reference }),
  };
}

/** Loss with its penalty, and gradient, at these weights. */
async function at(
  weights: Adapter,
  method: RewardGradientMethod,
  reward: Reward,
  steps: number,
  changes: Changes = {},
): Promise<Found> {
  const options = optionsOf(method, reward, steps, changes);
  const trainer = await RolloutTrainer.open(changes.on ?? engine, options);
  await trainer.load(initialState(weights));
  const { reports } = await trainer.step([batch], () => 0.5);
  const gradient = await trainer.gradient();
  await trainer.close();
  const { loss, kl } = reports[0]!;
  return { loss: loss + (method.kl?.coefficient ?? 0) * kl, gradient };
}

/**
 * Relative gap between the slope along the gradient by central differences and the gradient's
 * length.
 */
async function gapOf(
  method: RewardGradientMethod,
  reward: Reward,
  steps: number,
  changes: Changes = {},
): Promise<number> {
  const { gradient } = await at(adapter, method, reward, steps, changes);
  const length = Math.sqrt(
    [...gradient.values()].reduce((sum, { data }) => sum + data.reduce((s, g) => s + g * g, 0), 0),
  );
  expect(length).toBeGreaterThan(0);
  const h = 0.005;
  const moved = (sign: number): Adapter =>
    new Map(
      [...adapter].map(([name, { dims, data }]) => {
        const own = gradient.get(name)?.data ?? new Float32Array(data.length);
        const step = (i: number) => (sign * h * own[i]!) / length;
        return [
          name,
          float32(
            dims,
            data.map((value, i) => value + step(i)),
          ),
        ];
      }),
    );
  const up = await at(moved(1), method, reward, steps, changes);
  const down = await at(moved(-1), method, reward, steps, changes);
  return Math.abs((up.loss - down.loss) / (2 * h) / length - 1);
}

describe('the gradient of a rollout equals finite differences', () => {
  it('through all steps, with noise on the way', async () => {
    expect(await gapOf(draft({ truncation: 9 }), brightness, 3)).toBeLessThan(0.02);
  });

  it('in as little memory as can be', async () => {
    const method = draft({ truncation: 2 });
    const free = await at(adapter, method, brightness, 2);
    let tight: Found | undefined;
    for (let memoryBytes = 1; !tight; ) {
      try {
        tight = await at(adapter, method, brightness, 2, { memoryBytes });
      } catch (thrown) {
        if (!(thrown instanceof MemoryBudgetError)) throw thrown;
        // Each of its graphs says what it needs.
        memoryBytes = thrown.leastBytes;
      }
    }
    expect(tight.loss).toBeCloseTo(free.loss, 5);
    for (const [name, { data }] of free.gradient) {
      const scale = Math.max(...data.map(Math.abs));
      for (const [i, value] of data.entries()) {
        expect(Math.abs(tight.gradient.get(name)!.data[i]! - value)).toBeLessThanOrEqual(
          1e-4 * scale,
        );
      }
    }
  });

  it('in lanes', async () => {
    expect(await gapOf(draft({ truncation: 9 }), brightness, 3, { on: inLanes })).toBeLessThan(
      0.02,
    );
    const held = draftPlus({ truncation: 2, kl: { coefficient: 3, form: 'noise' } });
    const one = await at(adapter, held, symmetry, 2);
    const two = await at(adapter, held, symmetry, 2, { on: inLanes });
    expect(two.loss).toBeCloseTo(one.loss, 5);
    for (const [name, { data }] of one.gradient) {
      const scale = Math.max(...data.map(Math.abs));
      for (const [i, value] of data.entries()) {
        const found = two.gradient.get(name)!.data[i]!;
        expect(Math.abs(found - value)).toBeLessThanOrEqual(1e-4 * scale);
      }
    }
  });

  it('through an early estimate of the image and a hinge', async () => {
    const hinge = refl({ scale: 1, target: 2, lateShare: 1 });
    const early: RewardGradientMethod = {
      ...hinge,
      plan: () => ({ executed: 2, image: 'original', trained: [0, 1], throughInput: true }),
    };
    expect(await gapOf(early, symmetry, 3)).toBeLessThan(0.02);
  });

  it.each(['trailing', 'flow'] as const)(
    "with the KL of the two policies' transitions: %s",
    async (name) => {
      const scheduler = schedulers[name];
      const held = draftPlus({ truncation: 1, kl: { coefficient: 3, form: 'transition' } });
      expect(await gapOf(held, brightness, 1, { scheduler })).toBeLessThan(0.02);
    },
  );

  it.each([
    ['a flow', 'flow', 0.7],
    ['a solver that looks back', 'solver', 0],
  ] as const)('through all steps of %s', async (_, name, eta) => {
    const changes = { scheduler: schedulers[name], eta };
    expect(await gapOf(draft({ truncation: 9 }), brightness, 4, changes)).toBeLessThan(0.02);
  });
});

it('a reward beyond the hinge pulls no more', async () => {
  const content = refl({ scale: 1, target: -9, lateShare: 0.5 });
  const { loss, gradient } = await at(adapter, content, brightness, 2);
  expect(loss).toBe(0);
  for (const { data } of gradient.values()) expect(data.every((value) => value === 0)).toBe(true);
});

it('DRaFT-LV averages the gradients of the last step over noised copies', async () => {
  const one = await at(adapter, draftLv({ copies: 0 }), brightness, 2);
  const alone = await at(adapter, draft({ truncation: 1 }), brightness, 2);
  expect([...one.gradient]).toEqual([...alone.gradient]);
  const three = await at(adapter, draftLv({ copies: 2 }), brightness, 2);
  const norm = (of: Adapter, minus?: Adapter) =>
    Math.sqrt(
      [...of].reduce((sum, [name, { data }]) => {
        const other = minus?.get(name)?.data;
        return sum + data.reduce((s, g, i) => s + (g - (other?.[i] ?? 0)) ** 2, 0);
      }, 0),
    );
  const apart = norm(three.gradient, alone.gradient) / norm(alone.gradient);
  expect(apart).toBeGreaterThan(0.01);
  expect(apart).toBeLessThan(1);
});

it('holds DRaFT+ to the reference policy it is given, else to the base', async () => {
  const held = draftPlus({ truncation: 2, kl: { coefficient: 50, form: 'noise' } });
  const free = draftPlus({ truncation: 2, kl: { coefficient: 0, form: 'noise' } });
  const none = await at(adapter, free, brightness, 3);
  const own = await at(adapter, held, brightness, 3, { reference: adapter });
  expect(own).toEqual(none);
  const base = await at(adapter, held, brightness, 3);
  expect(base.loss).toBeGreaterThan(none.loss);
  expect(base.gradient).not.toEqual(none.gradient);
  const other: Adapter = new Map(
    [...adapter].map(([name, { dims, data }]) => [
      name,
      float32(
        dims,
        data.map((x) => 0.5 * x),
      ),
    ]),
  );
  const between = await at(adapter, held, brightness, 3, { reference: other });
  expect(between.loss).toBeGreaterThan(none.loss);
  expect(between.loss).not.toBe(base.loss);
});

it('holds an image of which the reward is unsure the stronger', async () => {
  const kl = { coefficient: 3, form: 'noise', bySpread: true } as const;
  const held = draftPlus({ truncation: 2, kl });
  const known = (spread: number): Reward => ({
    ...brightness,
    appendParts: (b, pixels) => ({
      score: brightness.append(b, pixels),
      parts: {},
      spread: b.expand(b.scalar(spread), [images]),
    }),
  });
  const plain = draftPlus({ truncation: 2, kl: { coefficient: 3, form: 'noise' } });
  const [sure, same] = [
    await at(adapter, held, known(0), 3),
    await at(adapter, plain, brightness, 3),
  ];
  expect(sure).toEqual(same);
  // As a coefficient so many times as large.
  const factor = Math.sqrt(1 + (Math.PI / 8) * 4);
  const stronger = { ...kl, coefficient: 3 * factor, bySpread: false };
  const unsure = await at(adapter, held, known(2), 3);
  const wanted = await at(adapter, draftPlus({ truncation: 2, kl: stronger }), brightness, 3);
  for (const [name, { data }] of wanted.gradient) {
    const scale = Math.max(...data.map(Math.abs));
    for (const [i, value] of data.entries()) {
      const found = unsure.gradient.get(name)!.data[i]!;
      expect(Math.abs(found - value)).toBeLessThanOrEqual(1e-4 * scale);
    }
  }
  await expect(at(adapter, held, brightness, 3)).rejects.toThrow(/does not know how unsure/);
});

it("has DRaFT's slope through all steps where the policy is its reference", async () => {
  const [steps, rewardWeight] = [3, 50];
  const matched = adjointMatching({ rewardWeight, trainedSteps: steps, referencePolicy: 'round' });
  const climbed = draft({ truncation: steps });
  const changes = { reference: adapter, guidance: 1 };
  const own = await at(adapter, matched, brightness, steps, changes);
  const lanes = await at(adapter, matched, brightness, steps, { ...changes, on: inLanes });
  const { gradient } = await at(adapter, climbed, brightness, steps, changes);
  const factor = rewardWeight / (steps * sizeOf(pipeline.latentShape));
  for (const [name, { data }] of gradient) {
    const scale = factor * Math.max(...data.map(Math.abs));
    for (const [i, value] of data.entries()) {
      for (const found of [own, lanes]) {
        const there = found.gradient.get(name)!.data[i]!;
        expect(Math.abs(there - factor * value)).toBeLessThanOrEqual(1e-3 * scale);
      }
    }
  }
  // Away from it the regression pulls back, too; with the base as its reference nothing is given.
  const held = { ...matched, matched: { reference: 'base' as const } };
  const away = await at(adapter, held, brightness, steps, { guidance: 1 });
  expect(away.loss).toBeGreaterThan(own.loss);
  expect(away.gradient).not.toEqual(own.gradient);
});

it('raises a reward by adjoint matching, the further the more it weighs', async () => {
  const gainOf = async (rewardWeight: number) => {
    const matched = adjointMatching({ rewardWeight, trainedSteps: 3, referencePolicy: 'base' });
    const options = { ...optionsOf(matched, brightness, 3), learningRate: 3e-3 };
    const trainer = await RolloutTrainer.open(engine, options);
    await trainer.load(initialState(adapter));
    const rewards: number[] = [];
    for (let i = 0; i < 16; i++) {
      const { reports } = await trainer.step([batch], () => 0.5);
      rewards.push(reports[0]!.rewards.reduce((sum, r) => sum + r, 0) / images);
    }
    await trainer.close();
    return rewards.at(-1)! - rewards[0]!;
  };
  const [none, much] = [await gainOf(1e-3), await gainOf(3e3)];
  expect(much).toBeGreaterThan(0);
  expect(much).toBeGreaterThan(none);
});

it('holds one graph of the UNet and its gradient, however many steps are trained', async () => {
  let [held, most, loaded] = [0, 0, 0];
  const load = engine.load.bind(engine);
  const watched = vi.spyOn(engine, 'load').mockImplementation(async (model, options) => {
    const session = await load(model, options);
    if (options.name !== 'denoise product') return session;
    loaded++;
    most = Math.max(most, ++held);
    const release = session.release.bind(session);
    vi.spyOn(session, 'release').mockImplementation(() => {
      held--;
      return release();
    });
    return session;
  });
  await at(adapter, draft({ truncation: 3 }), brightness, 3);
  expect([loaded, most, held]).toEqual([1, 1, 0]);

  const truncations = [1, 2, 1];
  const varied: RewardGradientMethod = {
    ...draft({ truncation: 1 }),
    plan: (steps, random) => draft({ truncation: truncations.shift() ?? 1 }).plan(steps, random),
  };
  const trainer = await RolloutTrainer.open(engine, optionsOf(varied, brightness, 3));
  await trainer.load(initialState(adapter));
  await trainer.step([batch, batch, batch], () => 0.5);
  const mixed = await trainer.gradient();
  await trainer.close();
  watched.mockRestore();
  // The first batch needs none through its input, the second does, and the third takes what is
  // there.
  expect([loaded, most, held]).toEqual([3, 1, 0]);

  const short = (await at(adapter, draft({ truncation: 1 }), brightness, 3)).gradient;
  const long = (await at(adapter, draft({ truncation: 2 }), brightness, 3)).gradient;
  for (const [name, { data }] of mixed) {
    const wanted = [...data].map(
      (_, i) => (2 * (short.get(name)?.data[i] ?? 0) + (long.get(name)?.data[i] ?? 0)) / 3,
    );
    expect([...data]).toEqual(wanted.map((value) => expect.closeTo(value, 5)));
  }
});
