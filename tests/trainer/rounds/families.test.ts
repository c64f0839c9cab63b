import { join } from 'node:path';
import { expect, it } from 'vitest';
import { getBlob } from '@/db/blobs/blobs';
import { getPolicy } from '@/db/policies/policies';
import { evaluationsOf, trainStepsOf } from '@/db/rounds/metrics';
import { listSamples } from '@/db/rounds/samples';
import type { ModuleNaming } from '@/lib/exchange/module-names';
import type { RunConfigInput } from '@/lib/settings/run-config';
import { type FamilyPipeline, familyFolder } from '@/tests/support/family-pipelines';
import { parsePolicy } from '@/trainer/rounds/train/policy-file';
import {
  baseOn,
  labelEverything,
  quickConfig,
  startRunFrom,
  untilRound,
  withWorker,
} from './support';

withWorker();

const config = {
  ...quickConfig,
  prompts: ['a photo of a hand'],
  evaluationPrompts: ['a bone'],
  sampling: { inferenceSteps: 3, batchImages: 2, pairsPerRound: 2 },
  training: { ...quickConfig.training, timestepFraction: 0.4 },
  evaluation: { images: 2 },
} satisfies RunConfigInput;

/**
 * How each family's adapter names what it trains, what of it reaches no output, and who knows its
 * names.
 */
const families: [FamilyPipeline, RegExp, string[], ModuleNaming][] = [
  [
    'tiny-sdxl',
    /^unet\.down_blocks\.1\.attentions\.0\.transformer_blocks\.0\.attn1\.to_q\./,
    [],
    'unet',
  ],
  [
    'tiny-sd3',
    /^transformer\.transformer_blocks\.1\.attn\.add_k_proj\./,
    ['transformer.transformer_blocks.2.attn.add_q_proj'],
    'joint-transformer',
  ],
  ['tiny-sana', /^transformer\.transformer_blocks\.0\.attn2\.to_out\.0\./, [], 'transformer'],
  ['tiny-pixart', /^transformer\.transformer_blocks\.1\.attn2\.to_k\./, [], 'pixart'],
];

it.each(families)(
  '%s draws, is labeled, trains by D3PO and is evaluated',
  async (name, key, dropped, modules) => {
    const base = await baseOn(join(familyFolder(name), 'pipeline'));
    const round = await startRunFrom(base, config);
    await untilRound(round.id, ({ state }) => state === 'labeling');
    expect(await listSamples({ roundId: round.id })).toHaveLength(4);
    expect(await labelEverything()).toBe(2);
    const done = await untilRound(round.id, ({ state }) => state === 'done');
    const curve = await trainStepsOf(round.id);
    expect(curve).toHaveLength(3);
    expect(curve[0]!.metrics.gradNorm).toBeGreaterThan(0);
    const policy = await getPolicy(done.resultPolicyId!);
    expect(policy.manifest.modules).toBe(modules);
    const { tensors } = parsePolicy(await getBlob(policy.adapterBlob!), policy.name);
    const up = [...tensors].filter(([tensor]) => tensor.endsWith('lora_B.weight'));
    expect(up.some(([tensor]) => key.test(tensor))).toBe(true);
    // What began as zeros was trained, everywhere but where the last block drops what it makes of
    // the text.
    const still = up.filter(([, { data }]) => (data as Float32Array).every((x) => x === 0));
    expect(still.map(([tensor]) => tensor.replace('.lora_B.weight', ''))).toEqual(dropped);
    expect((await evaluationsOf({ roundId: round.id }))[0]?.summary.images).toBe(2);
  },
);
