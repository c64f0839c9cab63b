import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { writeTinyPipeline } from '@/tests/support/tiny-pipeline';
import { type Adapter, initialAdapter } from '@/trainer/diffusion/adapters/lora';
import { adapterSites } from '@/trainer/diffusion/adapters/sites';
import type { Conditioning } from '@/trainer/diffusion/pipelines/conditioning';
import { PromptEncoder } from '@/trainer/diffusion/pipelines/networks';
import { openPipeline, type Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import { DdimScheduler } from '@/trainer/diffusion/schedulers/ddim';
import type { Scheduler } from '@/trainer/diffusion/schedulers/scheduler';
import { schedulerFileSchema, schedulerOf } from '@/trainer/diffusion/schedulers/scheduler-file';
import { float32, type Tensor } from '@/trainer/graph/tensor';
import { dgpo } from '@/trainer/methods/dgpo';
import { diffusionDpo } from '@/trainer/methods/diffusion-dpo';
import { kto } from '@/trainer/methods/kto';
import { lair } from '@/trainer/methods/lair';
import { nft } from '@/trainer/methods/nft';
import type { NoisedExample, NoisedImagesMethod } from '@/trainer/methods/noised-images/method';
import { NoiseTrainer } from '@/trainer/methods/noised-images/noise-trainer';
import type { NoiseDraw } from '@/trainer/methods/noised-images/noised-run';
import { NonFiniteError } from '@/trainer/methods/optimizer/non-finite';
import { initialState } from '@/trainer/methods/optimizer/optimizer';
import { trainableAdapter } from '@/trainer/methods/policy/trainable';
import { Engine } from '@/trainer/runtime/engine';
import { softwareDriver } from '@/trainer/runtime/vulkan';

let engine: Engine;
let pipeline: Pipeline;
let empty: Conditioning;
let prompt: Conditioning;
const size = 4 * 8 * 8;
/**
 * The tiny UNet takes one timestep for all images, as older exports do; this one a timestep for
 * each.
 */
const perRow = (source: Pipeline['denoiser']['graph']) => ({
  ...source,
  inputs: source.inputs.map((port) =>
    port.name === 'timestep' ? { ...port, dims: ['batch_size'] } : port,
  ),
});

beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 1 });
  const folder = join(mkdtempSync(join(tmpdir(), 'darkroom-noised-')), 'tiny');
  await writeTinyPipeline(folder);
  pipeline = await openPipeline(folder);
  const encoder = await PromptEncoder.open(engine, pipeline);
  empty = await encoder.encode('');
  prompt = await encoder.encode('1 hand');
});
afterAll(() => engine.close());

const image = (name: string) => gaussianNoise(`image ${name}`, size);
const draw = (name: string, timestep: number, withoutPrompt = false): NoiseDraw => ({
  timestep,
  noise: gaussianNoise(`noise ${name}`, size),
  withoutPrompt,
});
const pairs = (): NoisedExample[] =>
  [1, 2, 3].map((i) => ({
    images: [image(`winner ${i}`), image(`loser ${i}`)],
    context: prompt,
    weight: 1 / i,
  }));
const images = (): NoisedExample[] =>
  [1, 2, 3].map((i) => ({
    images: [image(`winner ${i}`)],
    context: prompt,
    weight: i === 2 ? 0.5 : 1,
    good: i !== 2,
  }));
const graded = (): NoisedExample[] =>
  [1, 0, 0.7].map((grade, i) => ({
    images: [image(`graded ${i}`)],
    context: prompt,
    weight: 1,
    grade,
  }));
/** Of two groups, one of which is a single image's. */
const grouped = (): NoisedExample[] =>
  graded().map((one, i) => ({ ...one, advantage: [1.2, -0.9, 0.4][i]!, group: i < 2 ? 0 : 1 }));
const draws = [draw('a', 10), draw('b', 450, true), draw('c', 820)];

/** An adapter that changes something; `seed` tells one from another. */
function adapterOf(seed: string, size = 0.3): Adapter {
  const noise = gaussianNoise(seed, 200_000);
  let at = 0;
  const sites = adapterSites(pipeline.denoiser.graph, 'attention');
  const blank = initialAdapter(sites.values(), 4, () => noise[at++]!);
  return new Map(
    [...blank].map(([name, { dims, data }]) => [
      name,
      float32(dims, name.includes('lora_B') ? data.map(() => size * noise[at++]!) : data),
    ]),
  );
}

interface Changes {
  learningRate?: number;
  images?: number;
  examplesPerStep?: number;
  reference?: Adapter | 'base';
  prediction?: 'epsilon' | 'v_prediction' | 'flow';
  rows?: boolean;
  normHinge?: number;
}

function schedulerFor({ prediction = 'epsilon' }: Changes): Scheduler {
  const { config } = pipeline.scheduler as DdimScheduler;
  if (prediction !== 'flow') return new DdimScheduler({ ...config, prediction_type: prediction });
  const flow = { _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 3 };
  return schedulerOf(schedulerFileSchema.parse(flow));
}

function open(
  method: NoisedImagesMethod,
  changes: Changes = {},
  on = engine,
): Promise<NoiseTrainer> {
  const denoiser = changes.rows ? perRow(pipeline.denoiser.graph) : pipeline.denoiser.graph;
  return NoiseTrainer.open(on, {
    trainable: trainableAdapter(denoiser, 'attention', 4),
    externalDataFolder: pipeline.denoiser.folder,
    scheduler: schedulerFor(changes),
    latent: pipeline.latentShape,
    context: pipeline.conditioning,
    emptyContext: empty,
    method,
    adamW: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 },
    learningRate: changes.learningRate ?? 0,
    images: changes.images ?? 2,
    examplesPerStep: changes.examplesPerStep ?? 3,
    reference: changes.reference ?? 'base',
    normHinge: changes.normHinge ?? 0,
  });
}

/** What a step shows at these weights, and its gradient. */
async function at(
  weights: Adapter,
  method: NoisedImagesMethod,
  examples: NoisedExample[],
  changes: Changes = {},
  old = weights,
) {
  const trainer = await open(method, changes);
  await trainer.load({ ...initialState(weights), ...(method.oldDecay && { extra: old }) });
  const report = await trainer.step(examples, draws);
  const gradient = await trainer.gradient();
  await trainer.close();
  return { report, gradient };
}

const squares = ({ data }: Tensor<'float32'>) => data.reduce((sum, g) => sum + g * g, 0);
const norm = (adapter: Adapter) =>
  Math.sqrt([...adapter.values()].reduce((sum, tensor) => sum + squares(tensor), 0));

/**
 * Relative gap between the slope along the gradient by central differences and the gradient's
 * length.
 */
async function gapOf(
  method: NoisedImagesMethod,
  examples: NoisedExample[],
  changes: Changes = {},
): Promise<number> {
  const weights = adapterOf('trained');
  const { gradient, report } = await at(weights, method, examples, changes);
  const length = norm(gradient);
  expect(length).toBeGreaterThan(0);
  const h = 0.01;
  const lossAt = async (sign: number) => {
    const moved: Adapter = new Map(
      [...weights].map(([name, { dims, data }]) => {
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
    const there = (await at(moved, method, examples, changes, weights)).report;
    // κ is a number, not a function of the weights: it stays what it was.
    const losses = there.examples.map(
      ({ excess, loss }, i) =>
        examples[i]!.weight * (method.read(excess, examples[i]!, report.baseline).loss ?? loss),
    );
    return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  };
  return Math.abs(((await lossAt(1)) - (await lossAt(-1))) / (2 * h) / length - 1);
}

const dpo = diffusionDpo({ beta: 20 });
const single = kto({ beta: 20 });
const forward = nft({ beta: 1, klCoefficient: 0.1, oldRise: 0.3, oldMost: 0.9 });
const groups = dgpo({ beta: 300, klCoefficient: 0.1, clipRange: 0.5 });
const listed = lair({ beta: 30, temperature: 0.5 });

describe('the gradient of a step equals finite differences', () => {
  it.each([
    ['Diffusion-DPO', dpo, pairs, {}],
    ['Diffusion-DPO, v-prediction', dpo, pairs, { prediction: 'v_prediction' }],
    ['Diffusion-DPO, flow matching', dpo, pairs, { prediction: 'flow' }],
    ['Diffusion-DPO, several timesteps in a run', dpo, pairs, { rows: true, images: 4 }],
    ['KTO', single, images, {}],
    ['KTO, several timesteps in a run', single, images, { rows: true, images: 2 }],
    ['Diffusion LAIR', listed, grouped, {}],
    // The weights of groups are numbers, not functions of the weights: here any, but held.
    ['DGPO', { ...groups, baselines: () => [0.3, 0.3, 0.8] }, grouped, {}],
  ] as [string, NoisedImagesMethod, () => NoisedExample[], Changes][])(
    '%s',
    async (_, method, examples, changes) => {
      expect(await gapOf(method, examples(), changes)).toBeLessThan(0.01);
    },
  );

  it('against another policy than the base', async () => {
    expect(await gapOf(dpo, pairs(), { reference: adapterOf('reference') })).toBeLessThan(0.01);
  });
});

describe('a step', () => {
  it('shows no excess over a reference that is the policy itself', async () => {
    const weights = adapterOf('same');
    const { report } = await at(weights, dpo, pairs(), { reference: weights });
    for (const { excess, loss } of report.examples) {
      // Two graphs, one policy: what is left is rounding.
      for (const e of excess) expect(Math.abs(e)).toBeLessThan(1e-6);
      expect(loss).toBeCloseTo(Math.LN2, 4);
    }
  });

  it('is the same in one run or in many', async () => {
    for (const [method, examples] of [
      [dpo, pairs],
      [single, images],
      [forward, graded],
      [groups, grouped],
      [listed, grouped],
    ] as const) {
      const weights = adapterOf('trained');
      const many = await at(weights, method, examples(), { rows: true, images: 1 });
      const one = await at(weights, method, examples(), { rows: true, images: 6 });
      for (const [i, { excess, loss }] of many.report.examples.entries()) {
        expect(loss).toBeCloseTo(one.report.examples[i]!.loss, 4);
        for (const [j, e] of excess.entries()) {
          expect(e).toBeCloseTo(one.report.examples[i]!.excess[j]!, 5);
        }
      }
      expect(many.report.baseline).toBeCloseTo(one.report.baseline, 4);
      for (const [name, { data }] of many.gradient) {
        const wanted = one.gradient.get(name)!.data;
        for (const [i, g] of data.entries()) {
          expect(Math.abs(g - wanted[i]!)).toBeLessThan(1e-3 * Math.abs(wanted[i]!) + 1e-5);
        }
      }
    }
  });

  it.each([
    ['Diffusion-DPO', () => diffusionDpo({ beta: 40 }), pairs],
    ['KTO', () => kto({ beta: 40 }), images],
    ['DiffusionNFT', () => forward, graded],
    ['DGPO', () => groups, grouped],
  ] as const)('is the same in lanes as in one: %s', async (_, method, examples) => {
    const lanes = await Engine.open({ device: 'cpu', threads: 2 });
    // Five runs of one example each.
    const five = [...examples(), ...examples()].slice(0, 5);
    const drawn = [...draws, ...draws].slice(0, 5);
    const changes = { images: 1, examplesPerStep: 5, learningRate: 1e-3 };
    const found = [];
    for (const on of [engine, lanes]) {
      const trainer = await open(method(), changes, on);
      await trainer.load(initialState(adapterOf('trained')));
      await trainer.step(five, drawn);
      found.push({ report: await trainer.step(five, drawn), gradient: await trainer.gradient() });
      await trainer.close();
    }
    await lanes.close();
    const [one, two] = found as [(typeof found)[number], (typeof found)[number]];
    expect(two.report.gradNorm / one.report.gradNorm).toBeCloseTo(1, 3);
    expect(two.report.baseline).toBeCloseTo(one.report.baseline, 5);
    expect(two.report.examples.map(({ timestep }) => timestep)).toEqual(
      one.report.examples.map(({ timestep }) => timestep),
    );
    const apart = [...one.gradient].map(([name, { data, dims }]) => {
      const other = two.gradient.get(name)?.data as Float32Array;
      return float32(
        dims,
        data.map((value, i) => value - other[i]!),
      );
    });
    const gap = Math.sqrt(apart.reduce((sum, tensor) => sum + squares(tensor), 0));
    expect(gap).toBeLessThan(1e-3 * norm(one.gradient));
  });

  it("has KTO's baseline from all images of the step, never below zero", async () => {
    const { report } = await at(adapterOf('trained'), single, images());
    const mean = report.examples.reduce((sum, { excess }) => sum - 20 * excess[0]!, 0) / 3;
    expect(report.baseline).toBeCloseTo(Math.max(0, mean), 4);
    const other = await at(initialState(new Map(adapterOf('x', 0))).tensors, single, images(), {
      reference: adapterOf('trained'),
    });
    // Policy and reference exchanged: of the two baselines one is above zero.
    expect(Math.max(report.baseline, other.report.baseline)).toBeGreaterThan(0);
    expect(Math.min(report.baseline, other.report.baseline)).toBe(0);
  });

  it("weighs DGPO's groups by what is still to be learned, from all images of the step", async () => {
    const { report } = await at(adapterOf('trained'), groups, grouped());
    const [first, second, third] = report.examples.map(({ excess }) => excess[0]!);
    const weight = (sum: number) => 1 / (1 + Math.exp(-300 * sum));
    const together = weight((1.2 * first! - 0.9 * second!) / 2);
    expect(report.baseline).toBeCloseTo((2 * together + weight(0.4 * third!)) / 3, 4);
    expect(Math.abs(together - 0.5)).toBeGreaterThan(0.01);
  });

  it('leaves the prompt away where the draw says so', async () => {
    const trainer = await open(dpo);
    await trainer.load(initialState(adapterOf('trained')));
    const example = pairs().slice(0, 1);
    const [withPrompt, without] = [
      await trainer.step(example, [draw('a', 300)]),
      await trainer.step(example, [draw('a', 300, true)]),
    ];
    const said = await trainer.step([{ ...example[0]!, context: empty }], [draw('a', 300)]);
    await trainer.close();
    expect(without.examples).toEqual(said.examples);
    expect(without.examples).not.toEqual(withPrompt.examples);
  });

  it.each([
    ['KTO', single, images],
    ['DiffusionNFT with its old policy', forward, graded],
  ] as const)('goes on exactly from a state: %s', async (_, method, examples) => {
    const trainer = await open(method, { learningRate: 1e-3 });
    await trainer.load(initialState(adapterOf('trained')));
    await trainer.step(examples(), draws);
    const between = await trainer.state();
    await trainer.step(examples(), draws);
    const wanted = await trainer.state();
    await trainer.load(between);
    await trainer.step(examples(), draws);
    expect(await trainer.state()).toEqual(wanted);
    await trainer.close();
  });

  it("lets DiffusionNFT's old policy follow, as much as remains of it", async () => {
    const trainer = await open(forward, { learningRate: 1e-2 });
    const start = adapterOf('trained');
    await trainer.load(initialState(start));
    await trainer.step(graded(), draws);
    const { tensors, extra } = await trainer.state();
    await trainer.close();
    for (const [name, { data }] of start) {
      const old = extra!.get(name)!.data as Float32Array;
      for (const i of [0, data.length - 1]) {
        expect(old[i]).toBeCloseTo(0.3 * data[i]! + 0.7 * tensors.get(name)!.data[i]!, 6);
      }
    }
  });

  it('holds the norm with a hinge, and only where it has grown', async () => {
    const weights = adapterOf('trained');
    const hinge = { normHinge: 10, rows: true, images: 4 };
    const plain = await at(weights, dpo, pairs(), { rows: true, images: 4 });
    const held = await at(weights, dpo, pairs(), hinge);
    const ratios = plain.report.examples.map(({ normRatio }) => normRatio);
    expect(Math.max(...ratios)).toBeGreaterThan(1);
    // The other way round what grew has shrunk.
    const back = await at(adapterOf('x', 0), dpo, pairs(), { reference: weights });
    for (const [i, { normRatio }] of back.report.examples.entries()) {
      expect(normRatio * ratios[i]!).toBeCloseTo(1, 1);
    }
    // A step against the hinge's own gradient brings down what lies above.
    const grown = (report: typeof plain.report) =>
      report.examples.reduce((sum, { normRatio }) => sum + Math.max(0, normRatio - 1), 0);
    const stepped: Adapter = new Map(
      [...weights].map(([name, { dims, data }]) => {
        const own = held.gradient.get(name)!.data;
        const other = plain.gradient.get(name)!.data;
        return [
          name,
          float32(
            dims,
            data.map((v, i) => v - 3e-3 * (own[i]! - other[i]!)),
          ),
        ];
      }),
    );
    const after = await at(stepped, dpo, pairs(), { rows: true, images: 4 });
    expect(grown(after.report)).toBeLessThan(grown(plain.report));
  });

  it('stops at NaN, saying where', async () => {
    const broken = adapterOf('broken');
    for (const { data } of broken.values()) data.fill(Number.NaN);
    const trainer = await open(dpo);
    await trainer.load(initialState(broken));
    await expect(trainer.step(pairs(), draws)).rejects.toThrow(NonFiniteError);
    await expect(trainer.step(pairs(), draws)).rejects.toThrow(/t = 10 in step 1/);
    await trainer.close();
  });
});

it.skipIf(!softwareDriver())('is the same on webgpu, with cap and hinge', async () => {
  vi.stubEnv('VK_ICD_FILENAMES', softwareDriver());
  const device = await Engine.open({ device: 'webgpu', threads: 1 });
  const capped = diffusionDpo({ beta: 20, capMargin: 0.9 });
  for (const [method, examples] of [
    [forward, graded],
    [capped, pairs],
    [groups, grouped],
    [listed, grouped],
  ] as const) {
    const found: Adapter[] = [];
    for (const on of [engine, device]) {
      const trainer = await open(method, { normHinge: 1 }, on);
      await trainer.load(initialState(adapterOf('trained')));
      await trainer.step(examples().slice(0, 1), draws);
      found.push(await trainer.gradient());
      await trainer.close();
    }
    const [cpu, webgpu] = found as [Adapter, Adapter];
    const apart = [...cpu].map(([name, { dims, data }]) => {
      const other = webgpu.get(name)!.data;
      return float32(
        dims,
        data.map((value, i) => value - other[i]!),
      );
    });
    const gap = Math.sqrt(apart.reduce((sum, tensor) => sum + squares(tensor), 0));
    expect(gap).toBeLessThan(1e-3 * norm(cpu));
  }
  await device.close();
  vi.unstubAllEnvs();
});

it('learns what it is told', async () => {
  const blank = adapterOf('start', 0);
  const learned = async (
    method: NoisedImagesMethod,
    examples: NoisedExample[],
    changes: Changes = {},
  ) => {
    const trainer = await open(method, { ...changes, learningRate: 1e-2 });
    await trainer.load(initialState(blank));
    for (let step = 0; step < 30; step++) await trainer.step(examples, draws);
    const { examples: reports } = await trainer.step(examples, draws);
    await trainer.close();
    return reports;
  };
  for (const { excess } of await learned(diffusionDpo({ beta: 500 }), pairs())) {
    expect(excess[0]! - excess[1]!).toBeLessThan(0);
  }
  const [good, bad, alsoGood] = (await learned(kto({ beta: 500 }), images())).map(
    ({ excess }) => excess[0]!,
  );
  expect(Math.max(good!, alsoGood!)).toBeLessThan(bad!);
  for (const prediction of ['epsilon', 'flow'] as const) {
    const held = nft({ beta: 1, klCoefficient: 0, oldRise: 1, oldMost: 1 });
    const [won, lost] = (await learned(held, graded(), { prediction })).map(
      ({ excess }) => excess[0]!,
    );
    expect(won).toBeLessThan(0);
    expect(lost).toBeGreaterThan(won!);
  }
});
