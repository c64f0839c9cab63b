/** UNet evaluations: what runs in the engine is what the plans foretell. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { untrained } from '@/scripts/reproduce/experiment/student';
import { openTrainer } from '@/scripts/reproduce/experiment/train';
import type { Bench } from '@/scripts/reproduce/methods/bench';
import { atDesk, type Desk, studentSettings } from '@/scripts/reproduce/methods/desk';
import {
  drawingPasses,
  evaluations,
  type Passes,
  passesSince,
  policyGradientPasses,
  preferencePasses,
  rolloutPasses,
} from '@/scripts/reproduce/methods/picks/passes';
import { full } from '@/scripts/reproduce/methods/sizes';
import { Store } from '@/scripts/reproduce/methods/store';
import { openRollouts } from '@/scripts/reproduce/methods/training/follow';
import { openDdpo, trainedSteps } from '@/scripts/reproduce/methods/training/policy-gradient';
import { writeTinyPipeline } from '@/tests/support/tiny-pipeline';
import { openPipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import { type Sampled, Sampler } from '@/trainer/diffusion/sampling/sampler';
import { draftLv } from '@/trainer/methods/draft-lv';
import { draftPlus } from '@/trainer/methods/draft-plus';
import { drTune } from '@/trainer/methods/drtune';
import type { RewardGradientMethod, RolloutPlan } from '@/trainer/methods/rollouts/plan';
import { brightness } from '@/trainer/rewards/analytic';

const images = 2;
const { steps, guidance, eta } = studentSettings;
let bench: Bench;

beforeAll(async () => {
  const root = mkdtempSync(join(tmpdir(), 'darkroom-passes-'));
  await writeTinyPipeline(join(root, 'tiny'));
  const store = await Store.open(join(root, 'store'), {});
  bench = {
    pipeline: await openPipeline(join(root, 'tiny')),
    device: 'cpu',
    store,
    shared: store,
    sizes: full,
    seeds: [1],
    log: () => {},
  };
});

/** What the work took beyond opening. */
async function counted(open: (desk: Desk) => Promise<() => Promise<unknown>>): Promise<Passes> {
  const { result } = await atDesk(bench, async (desk) => {
    const work = await open(desk);
    const before = desk.passes();
    await work();
    return passesSince(desk.passes(), before);
  });
  return result;
}

const all = { truncation: 3 };
const kl = { coefficient: 1, form: 'noise' } as const;
const methods: Record<string, RewardGradientMethod> = {
  'DRaFT+': draftPlus({ ...all, kl }),
  'DRaFT+ with coefficient 0': draftPlus({ ...all, kl: { ...kl, coefficient: 0 } }),
  'DRaFT-LV': draftLv({ copies: 2 }),
  DRTune: drTune({ trainedSteps: 3, earlyStop: 4 }),
};

describe('counted passes are those foretold', () => {
  it.each(Object.entries(methods))('%s', async (_, method) => {
    let plan: RolloutPlan | undefined;
    const remembered: RewardGradientMethod = {
      ...method,
      plan: (...given) => {
        plan = method.plan(...given);
        return plan;
      },
    };
    const found = await counted(async (desk) => {
      const settings = { images, learningRate: 1e-3 };
      const stepper = await openRollouts(desk, remembered, brightness, settings, ['test']);
      return () => stepper.step(0);
    });
    expect(found).toEqual(rolloutPasses(method, plan as RolloutPlan, images, guidance));
    expect(found.backward).toBeGreaterThan(0);
  });

  it('DDPO', async () => {
    const plan = { ...full.diversity.ddpo, images, updates: 2 };
    const found = await counted(async (desk) => {
      const stepper = await openDdpo(desk, brightness, plan, ['test']);
      return () => stepper.step(0);
    });
    const trained = trainedSteps(steps, plan);
    expect(found).toEqual(policyGradientPasses(2 * images, steps, trained, guidance));
  });

  it('drawing', async () => {
    const found = await counted(async ({ engine, student }) => {
      const sampler = await Sampler.open(engine, student.pipeline, {
        images,
        settings: { steps, eta, guidance },
      });
      const requests = [1, 2, 3, 4].map((seed) => ({ prompt: '1 hand', seed, noiseSeed: seed }));
      return async () => {
        for await (const _ of sampler.sample(requests));
      };
    });
    expect(found).toEqual(drawingPasses(4, steps, guidance));
  });

  it('D3PO', async () => {
    // Seven pairs fill a run of the training graph.
    const pairs = 7;
    const found = await counted(async (desk) => {
      const { student, engine, encode } = desk;
      const sampler = await Sampler.open(engine, student.pipeline, {
        images: 2 * pairs,
        settings: { steps, eta, guidance },
      });
      const requests = Array.from({ length: 2 * pairs }, (_, seed) => ({
        prompt: '1 hand',
        seed,
        noiseSeed: seed,
      }));
      const drawn: Sampled[] = [];
      for await (const batch of sampler.sample(requests, { keepPredictions: true })) {
        drawn.push(...batch);
      }
      const noise = gaussianNoise('adapter', 1_000_000);
      let next = 0;
      const adapter = untrained(student, () => noise[next++]!);
      const { trainer } = await openTrainer(student, adapter, 2);
      const context = await encode('1 hand');
      const examples = Array.from({ length: pairs }, (_, pair) => ({
        context,
        images: drawn.slice(2 * pair, 2 * pair + 2).map(({ trajectory }) => trajectory),
        comparisons: [{ winner: 0, loser: 1, weight: 1 }],
      }));
      return () =>
        trainer.step(
          examples,
          examples.map(() => [0, 3]),
        );
    });
    expect(found).toEqual(preferencePasses(pairs, 2, guidance));
  });
});

describe('evaluations', () => {
  it('are forward and backward passes together', () => {
    expect(evaluations({ forward: 3, backward: 2 })).toBe(5);
  });
  it('are halved without guidance', () => {
    expect(drawingPasses(4, 10, 1)).toEqual({ forward: 40, backward: 0 });
  });
});
