import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { worstRelativeError } from '@/tests/support/golden';
import { writeTinyPipeline } from '@/tests/support/tiny-pipeline';
import { adapterTensors, attachAdapter } from '@/trainer/diffusion/adapters/lora';
import { adapterSites } from '@/trainer/diffusion/adapters/sites';
import type { Annealing } from '@/trainer/diffusion/denoise/annealed-guidance';
import { Denoiser, type PolicyWeights } from '@/trainer/diffusion/denoise/denoiser';
import { encodePng } from '@/trainer/diffusion/images/png';
import { PromptEncoder } from '@/trainer/diffusion/pipelines/networks';
import { openPipeline, type Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import { type Sampled, type SampleRequest, Sampler } from '@/trainer/diffusion/sampling/sampler';
import {
  latentsAt,
  parseTrajectory,
  serializeTrajectory,
} from '@/trainer/diffusion/sampling/trajectory';
import { float32, sizeOf } from '@/trainer/graph/tensor';
import { Engine } from '@/trainer/runtime/engine';

const settings = { steps: 4, eta: 1, guidance: 5 };
let folder: string;
let engine: Engine;
let pipeline: Pipeline;
let sampler: Sampler;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sampler-'));
  await writeTinyPipeline(folder);
  engine = await Engine.open({ device: 'cpu', threads: 2 });
  pipeline = await openPipeline(folder);
  sampler = await Sampler.open(engine, pipeline, { images: 3, settings });
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

async function draw(requests: SampleRequest[], from = sampler): Promise<Sampled[]> {
  const drawn: Sampled[] = [];
  for await (const batch of from.sample(requests)) drawn.push(...batch);
  return drawn;
}

const request = (seed: number, noiseSeed = seed, prompt = '1 hand'): SampleRequest => ({
  prompt,
  seed,
  noiseSeed,
});

it('draws the same sample bit for bit, wherever it stands in whichever batch', async () => {
  const alone = (await draw([request(7)]))[0]!;
  const among = (await draw([1, 2, 3, 4, 7].map((seed) => request(seed))))[4]!;
  const first = (await draw([request(7), request(8), request(9)]))[0]!;
  for (const again of [among, first]) {
    expect(serializeTrajectory(again.trajectory)).toEqual(serializeTrajectory(alone.trajectory));
    expect(encodePng(again.image)).toEqual(encodePng(alone.image));
  }
  const fresh = await Sampler.open(engine, pipeline, { images: 3, settings });
  const [later] = await draw([request(7)], fresh);
  expect(later).toEqual(alone);
  await fresh.release();
});

it('starts from one x_T where the seed is shared, and parts on the way', async () => {
  const [a, b, c, d] = (
    await draw([request(1, 1), request(1, 2), request(2, 1), request(1, 1, '')])
  ).map((sampled) => sampled.trajectory);
  if (!a || !b || !c || !d) throw new Error('Four samples were asked for.');
  expect(latentsAt(b, 0)).toEqual(latentsAt(a, 0));
  expect(latentsAt(b, 4)).not.toEqual(latentsAt(a, 4));
  expect(latentsAt(c, 0)).not.toEqual(latentsAt(a, 0));
  expect(latentsAt(d, 0)).toEqual(latentsAt(a, 0));
  expect(latentsAt(d, 1)).not.toEqual(latentsAt(a, 1));
});

it('keeps what training needs', async () => {
  const [sampled] = await draw([request(3)]);
  const { trajectory, image } = sampled as Sampled;
  expect(trajectory.timesteps).toEqual([751, 501, 251, 1]);
  expect(trajectory.latents.dims).toEqual([5, 4, 8, 8]);
  expect(trajectory.logProbabilities.every(Number.isFinite)).toBe(true);
  expect(parseTrajectory(serializeTrajectory(trajectory), 'x')).toEqual(trajectory);
  const png = decode(encodePng(image));
  expect([png.width, png.height, png.channels, png.depth]).toEqual([32, 32, 3, 8]);
  expect(png.data).toEqual(image.data);
});

it('keeps the guided outputs when asked, and they lead from state to state', async () => {
  for await (const [sampled] of sampler.sample([request(3)], { keepPredictions: true })) {
    const { trajectory } = sampled as Sampled;
    const again = parseTrajectory(serializeTrajectory(trajectory), 'x');
    expect(again.predictions?.dims).toEqual([4, 4, 8, 8]);
    const { mean, sigma } = pipeline.scheduler.coefficients(751, 4, 1);
    const size = latentsAt(trajectory, 0).length;
    const distances = Array.from({ length: size }, (_, i) => {
      const x = latentsAt(trajectory, 0)[i]!;
      const output = again.predictions!.data[i]!;
      const next = latentsAt(trajectory, 1)[i]!;
      return (next - mean.sample * x - mean.output * output) / sigma;
    });
    const variance = distances.reduce((sum, z) => sum + z * z, 0) / size;
    expect(variance).toBeGreaterThan(0.7);
    expect(variance).toBeLessThan(1.3);
  }
});

/** A policy whose adapter changes more, the larger its scale. */
function tunedPolicy(scale: number): PolicyWeights {
  const { graph } = pipeline.denoiser;
  const sites = adapterSites(graph, 'attention');
  return {
    denoiser: graph,
    feeds: {},
    onNode: attachAdapter(sites, (name) => name, 1),
    tensors: new Map(
      adapterTensors(sites.values(), 2).map(({ name, dims }) => [
        name,
        float32(
          dims,
          gaussianNoise(name, sizeOf(dims)).map((value) => value * scale),
        ),
      ]),
    ),
  };
}

it('samples from a policy: an adapter that changes nothing gives the base, another does not', async () => {
  const from = async (scale: number) => {
    const options = { images: 3, settings, policy: tunedPolicy(scale) };
    const other = await Sampler.open(engine, pipeline, options);
    const [sampled] = await draw([request(5)], other);
    await other.release();
    return [...(sampled as Sampled).trajectory.latents.data];
  };
  const [base] = await draw([request(5)]);
  const latents = [...(base as Sampled).trajectory.latents.data];
  expect(worstRelativeError(await from(0), latents)).toBeLessThan(1e-6);
  expect(worstRelativeError(await from(0.5), latents)).toBeGreaterThan(1e-2);
});

describe('annealed guidance', () => {
  const annealed = async (
    annealing: Partial<Annealing> | undefined,
    policy: PolicyWeights | null = tunedPolicy(0.5),
  ) => {
    const own = await Sampler.open(engine, pipeline, {
      images: 3,
      settings,
      ...(policy && { policy }),
      ...(annealing && {
        annealing: { schedule: 'draft', exponent: 2, threshold: 0.5, ...annealing },
      }),
    });
    const drawn: Sampled[] = [];
    for await (const batch of own.sample([request(5), request(6)], { keepPredictions: true })) {
      drawn.push(...batch);
    }
    await own.release();
    return drawn;
  };

  it('draws the base by the schedule base and the policy by draft, bit for bit', async () => {
    const [base, tuned] = [await annealed(undefined, null), await annealed(undefined)];
    expect(tuned).not.toEqual(base);
    expect(await annealed({ schedule: 'base' })).toEqual(base);
    expect(await annealed({ schedule: 'draft' })).toEqual(tuned);
    // Thresholds beyond either end are these two again.
    expect(await annealed({ schedule: 'step', threshold: 1 })).toEqual(base);
    expect(await annealed({ schedule: 'step', threshold: 0 })).toEqual(tuned);
    // A base has nothing to be annealed with.
    expect(await annealed({ schedule: 'linear' }, null)).toEqual(base);
  });

  it.each([
    ['linear', {}, [0, 0.25, 0.5, 0.75]],
    ['power', { exponent: 4 }, [0, 1 / 256, 1 / 16, 81 / 256]],
    ['step', { threshold: 0.5 }, [0, 0, 1, 1]],
  ] as const)('mixes what both predict of one x by %s', async (schedule, numbers, weights) => {
    const [{ trajectory }] = (await annealed({ schedule, ...numbers })) as [Sampled];
    const encoder = await PromptEncoder.open(engine, pipeline);
    const prompts = [await encoder.encode('1 hand'), await encoder.encode('')] as const;
    const predicted = async (policy: PolicyWeights | undefined, step: number) => {
      const denoiser = await Denoiser.open(engine, pipeline, {
        images: 1,
        guidance: settings.guidance,
        policy,
      });
      await denoiser.setPrompts([prompts[0]], prompts[1]);
      const timestep = trajectory.timesteps[step]!;
      const output = await denoiser.predict(latentsAt(trajectory, step).slice(), timestep);
      await denoiser.release();
      return [...output];
    };
    const size = latentsAt(trajectory, 0).length;
    for (const [step, weight] of weights.entries()) {
      const base = await predicted(undefined, step);
      const tuned = await predicted(tunedPolicy(0.5), step);
      const mixed = base.map((value, i) => value + weight * (tuned[i]! - value));
      const found = [
        ...(trajectory.predictions?.data.subarray(step * size, (step + 1) * size) ?? []),
      ];
      expect(worstRelativeError(found, mixed)).toBeLessThan(1e-5);
      // The two differ, so that a wrong weight is seen.
      expect(worstRelativeError(tuned, base)).toBeGreaterThan(1e-3);
    }
    await encoder.release();
  });
});

it('draws in lanes what one lane draws, and every lane draws the same bits', async () => {
  const alone = await Engine.open({ device: 'cpu', threads: 1 });
  const single = await Sampler.open(alone, pipeline, { images: 3, settings });
  const requests = [1, 2, 3].map((seed) => request(seed));
  const [inLanes, inOne] = [await draw(requests), await draw(requests, single)];
  await alone.close();
  for (const [i, { trajectory }] of inLanes.entries()) {
    const wanted = inOne[i]!.trajectory;
    expect(worstRelativeError([...trajectory.latents.data], [...wanted.latents.data])).toBeLessThan(
      1e-5,
    );
  }
  const same = [7, 7, 7].map((seed) => request(seed));
  const [first, second, third] = (await draw(same)) as [Sampled, Sampled, Sampled];
  expect(second.trajectory).toEqual(first.trajectory);
  // The third image lies in the second lane.
  expect(third.trajectory).toEqual(first.trajectory);
});

it('stops between two steps when told to', async () => {
  const controller = new AbortController();
  controller.abort(new Error('enough'));
  const batches = sampler.sample([request(1)], { signal: controller.signal });
  await expect(batches.next()).rejects.toThrow('enough');
});
