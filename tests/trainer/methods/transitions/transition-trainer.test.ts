import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeTinyPipeline } from '@/tests/support/tiny-pipeline';
import { type Adapter, initialAdapter } from '@/trainer/diffusion/adapters/lora';
import { type AdapterTargets, adapterSites } from '@/trainer/diffusion/adapters/sites';
import type { Conditioning } from '@/trainer/diffusion/pipelines/conditioning';
import { PromptEncoder } from '@/trainer/diffusion/pipelines/networks';
import { openPipeline, type Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import { Sampler } from '@/trainer/diffusion/sampling/sampler';
import { latentsAt, type Trajectory } from '@/trainer/diffusion/sampling/trajectory';
import { schedulerFileSchema, schedulerOf } from '@/trainer/diffusion/schedulers/scheduler-file';
import { float32, type Tensor } from '@/trainer/graph/tensor';
import { d3po } from '@/trainer/methods/d3po';
import { fdfo } from '@/trainer/methods/fdfo';
import { NonFiniteError } from '@/trainer/methods/optimizer/non-finite';
import { initialState } from '@/trainer/methods/optimizer/optimizer';
import { trainableAdapter, trainableWeights } from '@/trainer/methods/policy/trainable';
import type { Example } from '@/trainer/methods/transitions/examples';
import {
  TransitionTrainer,
  type TransitionTrainerOptions,
} from '@/trainer/methods/transitions/transition-trainer';
import { Engine } from '@/trainer/runtime/engine';

let engine: Engine;
let pipeline: Pipeline;
let pair: Example;
let third: Trajectory;
let empty: Conditioning;
const settings = { steps: 4, eta: 1, guidance: 3 };
const all = [0, 1, 2, 3];
const adamW = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 };

beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
  const folder = join(mkdtempSync(join(tmpdir(), 'darkroom-trainer-')), 'tiny');
  await writeTinyPipeline(folder);
  pipeline = await openPipeline(folder);
  const sampler = await Sampler.open(engine, pipeline, { images: 3, settings });
  const requests = [1, 2, 3].map((seed) => ({ prompt: '1 hand', seed, noiseSeed: seed }));
  const drawn = [];
  for await (const images of sampler.sample(requests, { keepPredictions: true })) {
    drawn.push(...images.map((image) => image.trajectory));
  }
  await sampler.release();
  const encoder = await PromptEncoder.open(engine, pipeline);
  empty = await encoder.encode('');
  const [winner, loser, other] = drawn;
  if (!winner || !loser || !other) throw new Error('nothing was drawn');
  third = other;
  pair = {
    context: await encoder.encode('1 hand'),
    images: [winner, loser],
    comparisons: [{ winner: 0, loser: 1, weight: 1 }],
  };
});
afterAll(() => engine.close());

function open(
  changes: Partial<TransitionTrainerOptions> = {},
  on = engine,
): Promise<TransitionTrainer> {
  return TransitionTrainer.open(on, {
    trainable: trainableAdapter(pipeline.denoiser.graph, 'attention', 4),
    externalDataFolder: pipeline.denoiser.folder,
    scheduler: pipeline.scheduler,
    latent: pipeline.latentShape,
    context: pipeline.conditioning,
    emptyContext: empty,
    inferenceSteps: settings.steps,
    eta: settings.eta,
    guidance: settings.guidance,
    loss: d3po({ beta: 0.1, clipRange: 0.1 }),
    adamW,
    learningRate: 1e-3,
    run: { images: 8, comparisons: 4 },
    ...changes,
  });
}

function fresh(targets: AdapterTargets = 'attention'): Adapter {
  const noise = gaussianNoise('adapter', 200_000);
  let at = 0;
  const sites = adapterSites(pipeline.denoiser.graph, targets);
  return initialAdapter(sites.values(), 4, () => noise[at++]!);
}

describe('training on pairs', () => {
  it('starts at ratio 1 against the policy that sampled', async () => {
    const trainer = await open();
    await trainer.load(initialState(fresh()));
    const { transitions } = await trainer.step([pair], [all]);
    for (const { logRatioWinner, logRatioLoser, kl, loss } of transitions) {
      expect(Math.abs(logRatioWinner)).toBeLessThan(1e-4);
      expect(Math.abs(logRatioLoser)).toBeLessThan(1e-4);
      expect(kl).toBeLessThan(1e-6);
      expect(loss).toBeCloseTo(Math.LN2, 4);
    }
    await trainer.close();
  });

  it('of a flow starts at ratio 1, and has the gradient that finite differences give', async () => {
    const flow = { _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 3 };
    const scheduler = schedulerOf(schedulerFileSchema.parse(flow));
    const flowing = { ...settings, eta: 0.7 };
    const sampler = await Sampler.open(
      engine,
      { ...pipeline, scheduler },
      { images: 2, settings: flowing },
    );
    const requests = [1, 2].map((seed) => ({ prompt: '1 hand', seed: 0, noiseSeed: seed }));
    const images: Trajectory[] = [];
    for await (const drawn of sampler.sample(requests, { keepPredictions: true })) {
      images.push(...drawn.map(({ trajectory }) => trajectory));
    }
    await sampler.release();
    const example = { ...pair, images };
    const trainer = await open({ scheduler, eta: flowing.eta, loss: d3po({ beta: 20 }) });
    const lossAt = async (weights: Adapter) => {
      await trainer.load(initialState(weights));
      const { transitions } = await trainer.step([example], [all]);
      return {
        transitions,
        loss: transitions.reduce((sum, { loss }) => sum + loss, 0) / transitions.length,
      };
    };
    const { transitions } = await lossAt(fresh());
    expect(transitions.map(({ timestep }) => timestep)).toEqual(scheduler.timesteps(4));
    for (const { logRatioWinner, logRatioLoser } of transitions) {
      expect(Math.abs(logRatioWinner)).toBeLessThan(1e-4);
      expect(Math.abs(logRatioLoser)).toBeLessThan(1e-4);
    }
    const gradient = await trainer.gradient();
    const length = Math.hypot(...[...gradient.values()].flatMap(({ data }) => [...data]));
    const h = 0.02;
    const moved = (sign: number): Adapter =>
      new Map(
        [...fresh()].map(([name, { dims, data }]) => {
          const own = gradient.get(name)!.data;
          return [
            name,
            float32(
              dims,
              data.map((v, i) => v + (sign * h * own[i]!) / length),
            ),
          ];
        }),
      );
    const slope = ((await lossAt(moved(1))).loss - (await lossAt(moved(-1))).loss) / (2 * h);
    expect(Math.abs(slope / length - 1)).toBeLessThan(0.01);
    await trainer.close();
  });

  it('moves a weight by its standard errors where the second moment is of the runs', async () => {
    const start = fresh();
    const learningRate = 1e-3;
    const moved = async (copies: number, secondMoment: 'step' | 'runs') => {
      const changes = { learningRate, secondMoment, run: { images: 2, comparisons: 1 } };
      const trainer = await open({ ...changes, adamW: { ...adamW, epsilon: 1e-20 } });
      await trainer.load(initialState(start));
      const examples = Array<Example>(copies).fill(pair);
      await trainer.step(
        examples,
        examples.map(() => [0]),
      );
      const { tensors } = await trainer.state();
      await trainer.close();
      return [...start].flatMap(([name, { data }]) =>
        [...(tensors.get(name)?.data ?? [])].map((value, i) => value - data[i]!),
      );
    };
    const largest = (steps: readonly number[]) => Math.max(...steps.map(Math.abs)) / learningRate;
    expect(await moved(1, 'runs')).toEqual(await moved(1, 'step'));
    expect(largest(await moved(4, 'step'))).toBeCloseTo(1, 2);
    // Four runs that agree: the mean is √4 standard errors (uncentred) from zero.
    expect(largest(await moved(4, 'runs'))).toBeCloseTo(2, 2);
  });

  it.each(['attention', 'attention+feed-forward+convolutions', 'full'] as const)(
    'makes the winner likelier than the loser by training %s',
    async (targets) => {
      const full = targets === 'full';
      const trainable = full
        ? trainableWeights(pipeline.denoiser.graph)
        : trainableAdapter(pipeline.denoiser.graph, targets, 4);
      const start: Adapter = full
        ? new Map(
            trainable.tensors.map(({ name }) => [
              name,
              pipeline.denoiser.graph.constants.get(name) as Tensor<'float32'>,
            ]),
          )
        : fresh(targets);
      const trainer = await open({ trainable, loss: d3po({ beta: 0.1 }) });
      await trainer.load(initialState(start));
      for (let i = 0; i < 5; i++) await trainer.step([pair], [all]);
      const { transitions } = await trainer.step([pair], [all]);
      const margin = transitions.reduce((sum, t) => sum + t.logRatioWinner - t.logRatioLoser, 0);
      expect(margin).toBeGreaterThan(0);
      await trainer.close();
    },
  );

  it('is the same in one run or in many, and goes on exactly from a state', async () => {
    const whole = await open({ run: { images: 8, comparisons: 4 } });
    await whole.load(initialState(fresh()));
    await whole.step([pair], [all]);
    const between = await whole.state();
    await whole.step([pair], [all]);
    const wanted = (await whole.state()).tensors;
    await whole.load(between);
    await whole.step([pair], [all]);
    expect((await whole.state()).tensors).toEqual(wanted);
    await whole.close();

    const parts = await open({ run: { images: 7, comparisons: 3 } });
    await parts.load(initialState(fresh()));
    await parts.step([pair], [all]);
    await parts.step([pair], [all]);
    for (const [name, tensor] of (await parts.state()).tensors) {
      (tensor.data as Float32Array).forEach((value, i) => {
        expect(value).toBeCloseTo(wanted.get(name)!.data[i]!, 4);
      });
    }
    await parts.close();
  });

  it('deals runs out to lanes, which all arrive at the weights of one', async () => {
    const lanesEngine = await Engine.open({ device: 'cpu', threads: 2 });
    const other: Example = {
      ...pair,
      images: [third, (pair.images as Trajectory[])[0]!],
    };
    // Seven runs of one pair each: one lane gets four of them, the other three.
    const run = { images: 2, comparisons: 1 };
    const timesteps = [all, [0, 1, 3]];
    const train = async (on: Engine, runsPerStep: number) => {
      const trainer = await open({ run, runsPerStep, secondMoment: 'runs' }, on);
      await trainer.load(initialState(fresh()));
      await trainer.step([pair, other], timesteps);
      const { transitions, gradNorm } = await trainer.step([pair, other], timesteps);
      // One run leaves a lane without: its old sums must not count.
      await trainer.step([pair], [[2]]);
      const state = await trainer.state();
      return { trainer, transitions, gradNorm, state };
    };
    const one = await train(engine, 1);
    const two = await train(lanesEngine, 7);
    expect(two.gradNorm / one.gradNorm).toBeCloseTo(1, 4);
    expect(two.transitions.map(({ example, timestepIndex }) => [example, timestepIndex])).toEqual(
      one.transitions.map(({ example, timestepIndex }) => [example, timestepIndex]),
    );
    for (const [name, { data }] of one.state.tensors) {
      const found = two.state.tensors.get(name)?.data as Float32Array;
      data.forEach((value, i) => {
        expect(found[i]).toBeCloseTo(value, 4);
      });
    }
    const [, second] = (await lanesEngine.lanes(2)) as [Engine, Engine];
    for (const [name, tensor] of two.state.tensors) expect(await second.get(name)).toEqual(tensor);
    await one.trainer.close();
    await lanesEngine.close();
  });

  it('trains on a group as on its pairs, running each image once', async () => {
    const [winner, loser] = pair.images as [Trajectory, Trajectory];
    const group: Example = {
      ...pair,
      images: [winner, loser, third],
      comparisons: [
        { winner: 0, loser: 1, weight: 1 },
        { winner: 0, loser: 2, weight: 0.5 },
      ],
    };
    const apart: Example[] = [
      pair,
      { ...pair, images: [winner, third], comparisons: [{ winner: 0, loser: 1, weight: 0.5 }] },
    ];
    const trained = async (examples: Example[], images: number) => {
      const trainer = await open({ run: { images, comparisons: 4 } });
      await trainer.load(initialState(fresh()));
      const { transitions } = await trainer.step(
        examples,
        examples.map(() => all),
      );
      const { tensors, firstMoments } = await trainer.state();
      await trainer.close();
      expect(transitions).toHaveLength(2 * all.length);
      return { tensors, firstMoments };
    };
    const [together, single] = [await trained([group], 6), await trained(apart, 8)];
    for (const [name, moment] of together.firstMoments) {
      moment.data.forEach((value, i) => {
        const wanted = single.firstMoments.get(name)!.data[i]!;
        expect(Math.abs(value - wanted)).toBeLessThan(1e-4 * Math.abs(wanted) + 1e-8);
      });
    }
  });

  it.each(['hard', 'soft', 'ppo-min'] as const)(
    'reports the loss it trains on: %s',
    async (clipForm) => {
      const timestepWeights = [2, 1, 0.5, 0.1];
      const range = 1e-3;
      const trainer = await open({
        learningRate: 0.01,
        loss: d3po({ beta: 10, clipRange: range, clipForm }),
        timestepWeights,
        reference: 'base',
      });
      await trainer.load(initialState(fresh()));
      const doubted = {
        ...pair,
        comparisons: [{ winner: 0, loser: 1, weight: 0.5, smoothing: 0.2 }],
      };
      await trainer.step([doubted], [all]);
      await trainer.step([doubted], [all]);
      const { transitions } = await trainer.step([doubted], [all]);
      await trainer.close();
      const [low, high] = [Math.log(1 - range), Math.log(1 + range)];
      const counted = (x: number, side: 'winner' | 'loser') => {
        if (clipForm === 'soft') return x / Math.hypot(1, x / (x < 0 ? low : high));
        const above = clipForm === 'ppo-min' && side === 'winner' ? x : Math.max(x, low);
        return clipForm === 'ppo-min' && side === 'loser' ? above : Math.min(above, high);
      };
      let clipped = 0;
      for (const {
        timestepIndex,
        logRatioWinner,
        logRatioLoser,
        loss,
        clipFraction,
      } of transitions) {
        const weight = timestepWeights[timestepIndex]!;
        const [winner, loser] = [weight * logRatioWinner, weight * logRatioLoser];
        const margin = 10 * (counted(winner, 'winner') - counted(loser, 'loser'));
        expect(loss).toBeCloseTo(Math.log1p(Math.exp(-margin)) + 0.2 * margin, 5);
        const past =
          clipForm === 'ppo-min'
            ? [winner > high, loser < low]
            : [winner, loser].map((x) => x < low || x > high);
        expect(clipFraction).toBe(past.filter(Boolean).length / 2);
        clipped += clipFraction;
      }
      expect(clipped).toBeGreaterThan(0);
      expect(transitions.map(({ loss }) => loss)).not.toContain(Math.LN2);
    },
  );

  it('moves along a difference, as its report says: FDFO', async () => {
    const one = { ...pair, comparisons: [{ winner: 0, loser: 1, weight: 0.5, smoothing: 0.2 }] };
    const trainer = await open({ loss: fdfo({ bound: 0.03 }), learningRate: 0 });
    const lossAt = async (weights: Adapter) => {
      await trainer.load(initialState(weights));
      const { transitions } = await trainer.step([one], [all]);
      return transitions.reduce((sum, { loss }) => sum + 0.5 * loss, 0) / transitions.length;
    };
    await trainer.load(initialState(fresh()));
    const { transitions } = await trainer.step([one], [all]);
    for (const { ratios, loss } of transitions) {
      for (const ratio of ratios!) expect(ratio).toBeCloseTo(1, 3);
      expect(Math.abs(loss)).toBeLessThan(1e-3);
    }
    const gradient = await trainer.gradient();
    const length = Math.hypot(...[...gradient.values()].flatMap(({ data }) => [...data]));
    const h = 1e-3;
    const moved = (sign: number): Adapter =>
      new Map(
        [...fresh()].map(([name, { dims, data }]) => {
          const own = gradient.get(name)!.data;
          const there = data.map((v, i) => v + (sign * h * own[i]!) / length);
          return [name, float32(dims, there)];
        }),
      );
    const slope = ((await lossAt(moved(1))) - (await lossAt(moved(-1)))) / (2 * h);
    expect(Math.abs(slope / length - 1)).toBeLessThan(0.02);
    // Downhill the winner's ratio rises and the loser's falls.
    await trainer.load(initialState(moved(-1)));
    const after = await trainer.step([one], [all]);
    const means = [0, 1].map((side) =>
      after.transitions.reduce((sum, { ratios }) => sum + Math.log(ratios![side]!), 0),
    );
    expect(means[0]).toBeGreaterThan(0);
    expect(means[1]).toBeLessThan(0);
    await trainer.close();
  });

  it.each(['a network that says the noise', 'a flow'] as const)(
    'draws what lies from loser to winner after steps of FDFO: %s',
    async (kind) => {
      const flow = { _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 3 };
      const scheduler =
        kind === 'a flow' ? schedulerOf(schedulerFileSchema.parse(flow)) : pipeline.scheduler;
      const drawn = { ...settings, eta: 0.7 };
      const trainable = trainableAdapter(pipeline.denoiser.graph, 'attention', 4);
      const requests = [1, 2].map((noiseSeed) => ({ prompt: '1 hand', seed: 5, noiseSeed }));
      const draw = async (tensors?: Adapter) => {
        const own = { images: 2, settings: drawn };
        const policy = tensors && { ...trainable, tensors };
        const sampler = await Sampler.open(engine, { ...pipeline, scheduler }, { ...own, policy });
        const images: Trajectory[] = [];
        for await (const batch of sampler.sample(requests, { keepPredictions: true })) {
          images.push(...batch.map(({ trajectory }) => trajectory));
        }
        await sampler.release();
        return images;
      };
      const before = await draw();
      const ends = (images: readonly Trajectory[]) =>
        images.map((image) => latentsAt(image, settings.steps));
      const [winner, loser] = ends(before) as [Float32Array, Float32Array];
      const trainer = await open({
        trainable,
        scheduler,
        eta: drawn.eta,
        loss: fdfo({ bound: 0.1 }),
        learningRate: 1e-2,
      });
      await trainer.load(initialState(fresh()));
      for (let i = 0; i < 8; i++) await trainer.step([{ ...pair, images: before }], [all]);
      const { tensors } = await trainer.state();
      await trainer.close();
      for (const [i, after] of ends(await draw(tensors)).entries()) {
        const start = [winner, loser][i]!;
        const along = after.reduce(
          (sum, v, at) => sum + (v - start[at]!) * (winner[at]! - loser[at]!),
          0,
        );
        expect(along).toBeGreaterThan(0);
      }
    },
  );

  it('compares with the base where that is the reference', async () => {
    const trainer = await open({ reference: 'base' });
    await trainer.load(initialState(fresh()));
    const { transitions } = await trainer.step([pair], [all]);
    for (const { logRatioWinner } of transitions)
      expect(Math.abs(logRatioWinner)).toBeLessThan(1e-4);
    await trainer.close();
  });

  it('stops at NaN, saying where', async () => {
    const broken = fresh();
    for (const tensor of broken.values()) tensor.data.fill(Number.NaN);
    const trainer = await open();
    await trainer.load(initialState(broken));
    await expect(trainer.step([pair], [all])).rejects.toThrow(NonFiniteError);
    await expect(trainer.step([pair], [all])).rejects.toThrow(/t = \d+ in step 1/);
    await trainer.close();
  });
});
