import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FamilyPipeline, familyFolder } from '@/tests/support/family-pipelines';
import { Engine } from '@/trainer/runtime/engine';
import { allCases } from '../cases';
import { formatCase, passed, runCases } from '../report';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 2 });
});
afterAll(() => engine.close());

/** The cases whose files tests/fixtures/families holds; `npm run parity` runs all there are. */
const families: [FamilyPipeline, string[]][] = [
  ['tiny-sdxl', ['text', 'conditioning', 'unet_lora', 'vae_encoder', 'trajectory', 'd3po_0_clip']],
];

it.each(families)('the numbers of %s equal PyTorch’s', async (name, cases) => {
  const results = [];
  for await (const result of runCases(await allCases(engine, familyFolder(name)))) {
    results.push(result);
  }
  expect(results.filter((result) => !passed(result)).map(formatCase)).toEqual([]);
  expect(results.map((result) => result.name).sort()).toEqual([...cases].sort());
});
