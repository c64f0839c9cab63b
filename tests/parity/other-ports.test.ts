import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine } from '@/trainer/runtime/engine';
import { allCases } from './cases';
import { writeOtherPorts } from './other-ports';
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

  it.each(['float32', 'float16', 'int32'] as const)('%s', async (timestep) => {
    const here = join(folder, timestep);
    await writeOtherPorts(golden, here, timestep);
    const results = [];
    for await (const result of runCases(await allCases(engine, here), everyFeeder)) {
      results.push(result);
    }
    expect(results.filter((result) => !passed(result)).map(formatCase)).toEqual([]);
    expect(results.map(({ name }) => name).sort()).toEqual([...everyFeeder].sort());
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
