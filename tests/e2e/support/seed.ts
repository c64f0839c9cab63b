import { encode } from 'fast-png';
import { putBlob } from '@/db/blobs/blobs';
import { derivedId } from '@/db/ids';
import { ensureGuidelines } from '@/db/labeling/guidelines';
import { migrateDatabase } from '@/db/migrate';
import { createInvitation } from '@/db/people/invitations';
import { ensureBasePolicy } from '@/db/policies/policies';
import { startRun } from '@/db/rounds/runs';
import { type NewPair, type NewSample, recordSamples } from '@/db/rounds/samples';
import { claimWork } from '@/db/work/queue';
import { finishSampling } from '@/db/work/results';
import type { Role } from '@/lib/roles';
import { parseRunConfig } from '@/lib/settings/run-config';
import { handsVerdict } from '@/tests/support/hands-verdict';
import { handsJudge } from '@/trainer/hands/judge/declaration';
import { handsPresets } from '@/trainer/hands/presets';

/**
 * Fills the data folder in `DARKROOM_HOME` as the trainer and the start script would: through the
 * operations of db/, with real files in the blob store.
 */

const guidelines = `# What to look for

- Count the fingers: **five**, none fused.
- Then see how well the image follows the prompt.

Both bad means that neither should stand.`;

const prompts = ['1 hand, pale skin, red sleeve', '1 hand, dark skin, on a yellow background'];

/** Migrates and writes the guidelines: what an empty, set-up Darkroom is. */
export async function seedEmpty(): Promise<void> {
  await migrateDatabase();
  await ensureGuidelines(guidelines);
}

/** The path of a one-time link for a new person. */
export async function invite(role: Role, { atStart = false } = {}): Promise<string> {
  const { token } = await createInvitation({
    role,
    createdBy: null,
    note: atStart ? undefined : role,
  });
  return `/join/${token}`;
}

/** A round with `pairs` pairs, sampled and open for labeling. Returns its id. */
export async function seedRound(options: {
  pairs: number;
  annotatorsPerPair?: number;
  undoWindowSeconds?: number;
  leaseSeconds?: number;
  /** Every image counts as showing blood. */
  blood?: boolean;
  /** Leaves the round in sampling: more pairs are to come. */
  stillSampling?: boolean;
  /** False: no program judges the images of the pipeline. */
  judged?: boolean;
}): Promise<string> {
  const policy = await ensureBasePolicy({
    pipeline: 'hands',
    name: 'hands',
    hash: 'e2e',
    manifest: { ...(options.judged !== false && { judge: handsJudge }), presets: handsPresets },
  });
  const defaults = parseRunConfig({ prompts, evaluationPrompts: prompts });
  const { round } = await startRun({
    name: 'e2e',
    mode: 'single',
    method: 'd3po',
    pipeline: 'hands',
    config: {
      ...defaults,
      sampling: { ...defaults.sampling, pairsPerRound: Math.max(2, options.pairs) },
      labeling: {
        ...defaults.labeling,
        annotatorsPerPair: options.annotatorsPerPair ?? 1,
        undoWindowSeconds: options.undoWindowSeconds ?? 60,
        leaseSeconds: options.leaseSeconds ?? 120,
      },
    },
    createdBy: null,
  });

  const samples: NewSample[] = [];
  const pairs: NewPair[] = [];
  for (let index = 0; index < options.pairs; index++) {
    const prompt = prompts[index % prompts.length] ?? '';
    const [first, second] = await Promise.all(
      [2 * index, 2 * index + 1].map((seed) =>
        drawSample({
          seed,
          prompt,
          policyId: policy.id,
          group: { id: null, roundId: round.id },
          blood: options.blood,
        }),
      ),
    );
    if (!first || !second) throw new Error('a pair needs two samples');
    samples.push(first, second);
    pairs.push({
      id: derivedId(round.id, 'pair', index),
      roundId: round.id,
      groupId: null,
      prompt,
      sampleAId: first.id,
      sampleBId: second.id,
      sharedNoise: false,
      purpose: 'training',
      target: options.annotatorsPerPair ?? 1,
    });
  }
  await recordSamples({ samples, pairs });
  if (!options.stillSampling) await finishSamplingOf();
  return round.id;
}

/** A round of groups of images, sampled and open for tagging. Returns its id. */
export async function seedGroups(options: {
  groups: number;
  size: number;
  leaseSeconds?: number;
  annotatorsPerPair?: number;
  /** Every image counts as showing blood. */
  blood?: boolean;
}): Promise<string> {
  const policy = await ensureBasePolicy({
    pipeline: 'hands',
    name: 'hands',
    hash: 'e2e',
    manifest: { judge: handsJudge, presets: handsPresets },
  });
  const defaults = parseRunConfig({ prompts, evaluationPrompts: prompts });
  const { round } = await startRun({
    name: 'e2e',
    mode: 'single',
    method: 'd3po',
    pipeline: 'hands',
    config: {
      ...defaults,
      sampling: {
        ...defaults.sampling,
        pairSource: 'groups',
        groupsPerRound: options.groups,
        groupSize: options.size,
      },
      labeling: {
        ...defaults.labeling,
        annotatorsPerPair: options.annotatorsPerPair ?? 1,
        undoWindowSeconds: 60,
        leaseSeconds: options.leaseSeconds ?? 120,
      },
    },
    createdBy: null,
  });
  for (let index = 0; index < options.groups; index++) {
    const group = { id: derivedId(round.id, 'group', index), roundId: round.id };
    const prompt = prompts[index % prompts.length] ?? '';
    const seeds = Array.from({ length: options.size }, (_, member) => 100 * index + member);
    await recordSamples({
      groups: [{ ...group, prompt, size: options.size }],
      samples: await Promise.all(
        seeds.map((seed) =>
          drawSample({ seed, prompt, policyId: policy.id, group, blood: options.blood }),
        ),
      ),
    });
  }
  await finishSamplingOf();
  return round.id;
}

async function drawSample(options: {
  seed: number;
  prompt: string;
  policyId: string;
  group: { id: string | null; roundId: string };
  blood?: boolean;
}): Promise<NewSample> {
  const { seed, prompt, policyId, group } = options;
  return {
    id: derivedId(group.roundId, seed),
    policyId,
    roundId: group.roundId,
    groupId: group.id,
    prompt,
    seed,
    noiseSeed: seed,
    imageBlob: await putBlob(drawPicture(seed)),
    width: pictureSide,
    height: pictureSide,
    trajectoryBlob: null,
    purpose: 'training',
    verdict: handsVerdict('seed', { deformed: false, blood: options.blood }),
  };
}

async function finishSamplingOf(): Promise<void> {
  const claimed = await claimWork({ workerId: 'seed', kinds: ['sample'] });
  if (!claimed) throw new Error('the new round has no sampling work to finish');
  await finishSampling({ workId: claimed.work.id, workerId: 'seed' });
}

export const pictureSide = 64;

/**
 * A disc on a plain ground, its colours and place following from the seed: no two pictures are
 * equal.
 */
export function drawPicture(seed: number): Uint8Array {
  const data = new Uint8Array(pictureSide * pictureSide * 3);
  const hue = (seed * 47) % 256;
  const centre = 20 + ((seed * 13) % 24);
  for (let y = 0; y < pictureSide; y++) {
    for (let x = 0; x < pictureSide; x++) {
      const inside = (x - centre) ** 2 + (y - 32) ** 2 < 15 ** 2;
      data.set(
        inside ? [255 - hue, 180, (seed * 29) % 256] : [hue, 90 + y, seed % 256],
        3 * (y * pictureSide + x),
      );
    }
  }
  return encode({ width: pictureSide, height: pictureSide, data, channels: 3, depth: 8 });
}
