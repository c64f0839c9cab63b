import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine } from '@/trainer/runtime/engine';
import { softwareDriver } from '@/trainer/runtime/vulkan';
import { groups } from './cases';
import { type CaseResult, formatCase, passed, runCases } from './report';

const golden = fileURLToPath(new URL('../fixtures/golden', import.meta.url));

async function check(
  engine: Engine,
  group: keyof typeof groups,
  only?: ReadonlySet<string>,
  folder = golden,
): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for await (const result of runCases(await groups[group](engine, folder), only)) {
    results.push(result);
  }
  return results;
}

const failures = (results: readonly CaseResult[]) =>
  results.filter((r) => !passed(r)).map(formatCase);

describe('numbers equal PyTorch on cpu', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.open({ device: 'cpu', threads: 2 });
  });
  afterAll(() => engine.close());

  it('for all 86 operators, forward and gradient', async () => {
    const results = await check(engine, 'operators');
    expect(failures(results)).toEqual([]);
    expect(results).toHaveLength(86);
  });

  it('for text, UNet, adapter, decoder, DDIM and a guided trajectory', async () => {
    const results = await check(engine, 'pipeline');
    expect(failures(results)).toEqual([]);
    expect(results).toHaveLength(6);
  });

  it('for timesteps, levels and stochastic steps of flow matching', async () => {
    const results = await check(engine, 'schedules', undefined, join(golden, 'flow'));
    expect(failures(results)).toEqual([]);
    expect(results).toHaveLength(3);
  });

  it('for the losses of D3PO, DDPO and DPOK and their gradients, inside and outside the clamp', async () => {
    const results = await check(engine, 'transitions');
    expect(failures(results)).toEqual([]);
    expect(results).toHaveLength(9);
  });

  it("for a reward's gradient through the last steps, through spaced ones, and held to the base", async () => {
    const results = await check(engine, 'rollouts');
    expect(failures(results)).toEqual([]);
    expect(results).toHaveLength(3);
  });

  it('for Diffusion-DPO on finished images', async () => {
    const results = await check(engine, 'noise');
    expect(failures(results)).toEqual([]);
    expect(results).toHaveLength(1);
  });

  it('for a reward model and LPIPS, with their gradients at the pixels', async () => {
    const results = await check(engine, 'rewards');
    expect(failures(results)).toEqual([]);
    expect(results).toHaveLength(2);
  });

  it('for AdamW with gradient clipping', async () => {
    expect(failures(await check(engine, 'adamW'))).toEqual([]);
  });
});

/**
 * What UNets, decoders and their gradients are made of; the whole set runs with `npm run parity --
 * … --device webgpu`.
 */
const gpuSubset = new Set([
  'attention',
  'conv_3x3',
  'conv_depthwise',
  'conv_stride2',
  'flatten_chunk_geglu',
  'gather_rows',
  'group_norm',
  'layer_norm',
  'linear',
  'max_pool_overlap',
  'resize_bilinear_down',
  'silu',
  'softmax_last',
  'upsample_nearest',
]);

// A GPU is rare where tests run, so a software one stands in; without either this is reported as
// skipped.
describe.skipIf(!softwareDriver())('numbers equal PyTorch on webgpu (software adapter)', () => {
  let engine: Engine;
  let before: string | undefined;
  beforeAll(async () => {
    before = process.env.VK_ICD_FILENAMES;
    process.env.VK_ICD_FILENAMES = softwareDriver();
    engine = await Engine.open({ device: 'webgpu', threads: 2 });
  });
  afterAll(async () => {
    await engine.close();
    if (before === undefined) delete process.env.VK_ICD_FILENAMES;
    else process.env.VK_ICD_FILENAMES = before;
  });

  it('for the operators of a UNet, forward and gradient', async () => {
    const results = await check(engine, 'operators', gpuSubset);
    expect(failures(results)).toEqual([]);
    expect(results).toHaveLength(gpuSubset.size);
  }, 180_000);

  // A minute each on a software adapter; that sessions may follow one another there is shown by the
  // runtime's own tests.
  it('for gradients through sampling', async () => {
    const results = await check(engine, 'rollouts', new Set(['drtune_2']));
    expect(failures(results)).toEqual([]);
    expect(results).toHaveLength(1);
  }, 180_000);
});
