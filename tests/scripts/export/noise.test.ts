import { readFile } from 'node:fs/promises';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { expect, it } from 'vitest';
import { putBlob } from '@/db/blobs/blobs';
import { submitPreference } from '@/db/labeling/preferences';
import { leasePairs } from '@/db/leases/pair-leases';
import { ensureBasePolicy } from '@/db/policies/policies';
import { startRun } from '@/db/rounds/runs';
import { recordSamples } from '@/db/rounds/samples';
import { claimWork } from '@/db/work/queue';
import { finishSampling } from '@/db/work/results';
import { exportTo } from '@/scripts/export/export-to';
import { importFile } from '@/scripts/import/import-file';
import {
  parseFinished,
  parseTrajectory,
  serializeFinished,
  serializeTrajectory,
  stackLatents,
  type Trajectory,
} from '@/trainer/diffusion/sampling/trajectory';
import { handsPolicy } from '@/trainer/hands/hands-policy';
import { makeSample } from '../../db/support';
import { createUser } from '../../support/people';
import { png, row, withFolder } from '../import/support';

const { fileOf, path, pictures } = withFolder();

/** From x_T, all `seed`, to x_0 in two steps. */
function trajectoryOf(seed: number): Trajectory {
  const states = [0, 1, 2].map((step) => new Float32Array(4).fill(seed + step / 10));
  return {
    prompt: '1 hand',
    seed,
    noiseSeed: 7,
    settings: { steps: 2, eta: 1, guidance: 5 },
    timesteps: [501, 1],
    latents: stackLatents(states, [1, 2, 2]),
    logProbabilities: Float64Array.from([-1, -2]),
  };
}

/** One pair of which one image has its whole path and the other x_0, and its answer. */
async function label(): Promise<void> {
  const base = await ensureBasePolicy(await handsPolicy());
  await createUser({ id: 'ann', name: 'ann', email: 'ann@example.org', role: 'annotator' });
  const { round } = await startRun({
    name: 'labeled',
    mode: 'single',
    method: 'd3po',
    pipeline: 'hands',
    config: {
      prompts: ['1 hand'],
      evaluationPrompts: ['1 hand'],
      sampling: { pairsPerRound: 2 },
      labeling: { annotatorsPerPair: 1, undoWindowSeconds: 0 },
    },
    createdBy: null,
  });
  const blobs = [serializeTrajectory(trajectoryOf(1)), serializeFinished(trajectoryOf(2))];
  const drawn = await Promise.all(
    blobs.map(async (bytes, i) =>
      makeSample({
        policyId: base.id,
        roundId: round.id,
        prompt: '1 hand',
        seed: i + 1,
        noiseSeed: 7,
        imageBlob: await putBlob(png(100 + i)),
        trajectoryBlob: await putBlob(bytes),
      }),
    ),
  );
  const [sampleAId, sampleBId] = drawn.map(({ id }) => id) as [string, string];
  const pair = { id: 'pair', roundId: round.id, groupId: null, prompt: '1 hand' };
  const more = { sharedNoise: true, purpose: 'training' as const, target: 1 };
  await recordSamples({ samples: drawn, pairs: [{ ...pair, ...more, sampleAId, sampleBId }] });
  const claimed = await claimWork({ workerId: 'worker', kinds: ['sample'] });
  await finishSampling({ workId: claimed!.work.id, workerId: 'worker' });
  const leased = await leasePairs({ annotatorId: 'ann' });
  if (leased.state !== 'pairs') throw new Error(leased.state);
  const [{ leaseId }] = leased.pairs as [(typeof leased.pairs)[0]];
  const times = { shownAtMs: 1000, decidedAtMs: 1800 };
  const by = { annotatorId: 'ann', guidelinesVersion: null };
  await submitPreference({ id: 'z', leaseId, answer: 'left', ...times, ...by });
}

it('an export with its noise has each image’s latents, what is known of each answer, and a datasheet', async () => {
  await label();
  const [a, b] = (await pictures(2)) as [string, string];
  const given = { ranking_id: 1, user_id: 'u', model_0: 'sdxl', created_at: '2023-01-15' };
  await importFile(await fileOf([row(a, b, given)]), 'hands');
  const { answers } = await exportTo(path('out'), { format: 'noise' });
  expect(answers).toBe(2);
  const file = await asyncBufferFromFile(path('out/data/train-00000.parquet'));
  const [imported, own] = await parquetReadObjects({ file, utf8: false });
  expect(imported).toMatchObject({
    answer_id: '1',
    left_probability: null,
    shared_noise: null,
    latents_0_path: null,
    latents_1: null,
    noise_seed_0: null,
    policy_1_hash: null,
  });
  expect(own).toMatchObject({
    answer_id: 'z',
    pair_id: 'pair',
    left_probability: 0.5,
    shared_noise: true,
    shown_at_ms: 1000n,
    decided_at_ms: 1800n,
    noise_seed_0: 7n,
    noise_seed_1: 7n,
  });
  const sides = [0, 1].sort((x, y) => Number(own![`seed_${x}`]) - Number(own![`seed_${y}`]));
  const [whole, finished] = await Promise.all(
    sides.map((side) => readFile(path(`out/${own![`latents_${side}_path`]}`))),
  );
  expect(sides.map((side) => own![`latents_${side}`])).toEqual(['path', 'x_0']);
  expect(parseTrajectory(whole!, 'a')).toEqual(trajectoryOf(1));
  expect(parseFinished(finished!, 'b')).toEqual(new Float32Array(4).fill(2.2));
  const sheet = await readFile(path('out/DATASHEET.md'), 'utf8');
  for (const heading of [
    'Motivation',
    'Composition',
    'Collection process',
    'Preprocessing, cleaning, labeling',
    'Uses',
    'Distribution',
    'Maintenance',
  ]) {
    expect(sheet).toContain(`\n## ${heading}\n`);
  }
  expect(sheet).toContain('2 answers to 2 pairs of 4 images of 1 prompts');
  expect(sheet).toContain('- left: 2\n');
  expect(sheet).toContain('2 were drawn by Darkroom and 2 imported; 2 have latents');
  expect(sheet).toContain('- sdxl: 1\n');
  expect(sheet).toContain('2 people answered, from 2023-01-15 to ');
  expect(sheet).toContain('- 20 steps, eta 1, guidance 5\n');
});
