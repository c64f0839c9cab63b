import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine } from '@/trainer/runtime/engine';
import { allCases } from './cases';
import { type Notation, writeOtherNotation } from './other-notation';
import { formatCase, passed, runCases } from './report';

const golden = fileURLToPath(new URL('../fixtures/golden', import.meta.url));

const everywhere: Notation[] = [
  {
    steps: 20,
    files: ['d3po_1_clip', 'd3po_3_noclip', 'd3po_5_noclip', 'ddpo_1', 'dpok_1', 'diffusion_dpo'],
    velocity: true,
  },
  { steps: 5, files: ['trajectory'], velocity: true },
  { steps: 4, files: ['draft_1'], velocity: true },
  // These read the UNet's own output, or (DRTune) stop a gradient at its input: as velocity they
  // would be others.
  { steps: 20, files: ['ddim', 'unet', 'unet_lora', 'd3po_1_clip'], velocity: false },
  { steps: 4, files: ['draft_plus_2', 'drtune_2'], velocity: false },
];

describe('numbers equal PyTorch with linear projections and trailing timesteps', () => {
  let engine: Engine;
  let folder: string;
  beforeAll(async () => {
    engine = await Engine.open({ device: 'cpu', threads: 2 });
    folder = await mkdtemp(join(tmpdir(), 'darkroom-notation-'));
  });
  afterAll(async () => {
    await engine.close();
    await rm(folder, { recursive: true });
  });

  it.each(everywhere)('in $steps steps, velocity $velocity: $files', async (notation) => {
    const here = join(folder, `${notation.steps}-${notation.velocity}`);
    await writeOtherNotation(golden, here, notation);
    const results = [];
    for await (const result of runCases(await allCases(engine, here))) results.push(result);
    expect(results.filter((result) => !passed(result)).map(formatCase)).toEqual([]);
    expect(results.map(({ name }) => name).sort()).toEqual([...notation.files].sort());
  });
});
