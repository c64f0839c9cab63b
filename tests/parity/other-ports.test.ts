import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine } from '@/trainer/runtime/engine';
import { allCases } from './cases';
import { writeHalfPrecision, writeOtherPorts } from './other-ports';
import { formatCase, passed, runCases } from './report';

const golden = fileURLToPath(new URL('../fixtures/golden', import.meta.url));

/** A step of every kind of method, and what draws. */
const everyFeeder = new Set([
  'unet_lora',
  'trajectory',
  'd3po_1_clip',
  'ddpo_1',
  'dpok_1',
  'diffusion_dpo',
  'draft_1',
  'drtune_2',
]);

/**
 * One feeder serves all: where a type is only another cast, one that draws and one that trains
 * tell.
 */
const drawnAndTrained = new Set(['unet_lora', 'd3po_1_clip']);

describe('numbers equal PyTorch whatever type the timestep has', () => {
  let engine: Engine;
  let folder: string;
  beforeAll(async () => {
    engine = await Engine.open({ device: 'cpu', threads: 2 });
    folder = await mkdtemp(join(tmpdir(), 'darkroom-ports-'));
  });
  afterAll(async () => {
    await engine.close();
    await rm(folder, { recursive: true });
  });

  it.each([
    ['float32', everyFeeder],
    ['float16', drawnAndTrained],
    ['int32', drawnAndTrained],
  ] as const)('%s', async (timestep, cases) => {
    const here = join(folder, timestep);
    await writeOtherPorts(golden, here, timestep);
    const results = [];
    for await (const result of runCases(await allCases(engine, here), cases)) results.push(result);
    expect(results.filter((result) => !passed(result)).map(formatCase)).toEqual([]);
    expect(results.map(({ name }) => name).sort()).toEqual([...cases].sort());
  });

  // Weights of eleven bits are other weights: the numbers come out near PyTorch's, not at them.
  // That an export in half precision gives what PyTorch computes in float32 with its weights is
  // seen with `npm run parity` on such an export.
  it('half precision, weights in a file beside it', async () => {
    const here = join(folder, 'half');
    await writeHalfPrecision(golden, here);
    const results = [];
    for await (const result of runCases(await allCases(engine, here), everyFeeder)) {
      results.push(result);
    }
    expect(results.map(({ name }) => name).sort()).toEqual([...everyFeeder].sort());
    for (const { name, error, forward = 0, gradient = 0 } of results) {
      expect({ name, error }).toEqual({ name, error: undefined });
      expect(forward, name).toBeLessThan(0.02);
      expect(gradient, name).toBeLessThan(0.1);
    }
  });

  it('a type that is no number of a step is refused by name', async () => {
    const here = join(folder, 'bool');
    await writeOtherPorts(golden, here, 'bool');
    const cases = await allCases(engine, here);
    for await (const result of runCases(cases, new Set(['unet', 'd3po_1_clip']))) {
      expect(result.error).toMatch(/"timestep" takes bool.+int64 or float32 timestep/);
    }
  });
});
