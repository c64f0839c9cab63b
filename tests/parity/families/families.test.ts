import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FamilyPipeline, familyFolder } from '@/tests/support/family-pipelines';
import { Engine } from '@/trainer/runtime/engine';
import { groups } from '../cases';
import { formatCase, passed, runCases } from '../report';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ device: 'cpu', threads: 2 });
});
afterAll(() => engine.close());

/** The cases whose files tests/fixtures/families holds; `npm run parity` runs all there are. */
const families: [FamilyPipeline, string[]][] = [
  ['tiny-sdxl', ['unet_lora', 'trajectory', 'd3po_0_clip']],
  ['tiny-sd3', ['transformer_lora_joint', 'trajectory_sde', 'd3po_joint_0_clip']],
  ['tiny-sana', ['transformer_lora', 'trajectory', 'trajectory_sde', 'd3po_0_clip']],
  [
    'tiny-pixart',
    [
      'transformer',
      'transformer_lora',
      'vae_decoder',
      'trajectory',
      'schedule',
      'd3po_0_clip',
      'd3po_2_noclip',
    ],
  ],
];

it.each(families)('the numbers of %s equal PyTorch’s', async (name, cases) => {
  const results = [];
  const folder = familyFolder(name);
  const found = [
    ...(await groups.pipeline(engine, folder)),
    ...(await groups.schedules(engine, folder)),
    ...(await groups.transitions(engine, folder)),
  ];
  for await (const result of runCases(found)) {
    results.push(result);
  }
  expect(results.filter((result) => !passed(result)).map(formatCase)).toEqual([]);
  expect(results.map((result) => result.name).sort()).toEqual(
    ['text', 'conditioning', 'vae_encoder', ...cases].sort(),
  );
});
