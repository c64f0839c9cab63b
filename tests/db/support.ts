import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { closeDatabases } from '@/db/client';
import { newId } from '@/db/ids';
import { migrateDatabase } from '@/db/migrate';
import { ensureBasePolicy } from '@/db/policies/policies';
import { startRun } from '@/db/rounds/runs';
import { type NewPair, type NewSample, recordSamples } from '@/db/rounds/samples';
import { claimWork } from '@/db/work/queue';
import { finishSampling } from '@/db/work/results';
import type { RunMode } from '@/lib/runs';
import type { RunConfigInput } from '@/lib/settings/run-config';
import { createUser } from '../support/people';

/** Gives a test file its own data folder with a real, migrated database; removes it afterwards. */
export function withTemporaryHome(): void {
  const before = process.env.DARKROOM_HOME;
  const home = mkdtempSync(join(tmpdir(), 'darkroom-test-'));
  beforeAll(async () => {
    process.env.DARKROOM_HOME = home;
    await migrateDatabase();
  });
  afterAll(() => {
    closeDatabases();
    rmSync(home, { recursive: true, force: true });
    if (before === undefined) delete process.env.DARKROOM_HOME;
    else process.env.DARKROOM_HOME = before;
  });
}

export async function makePeople(count: number, role: 'annotator' | 'admin' = 'annotator') {
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const id = newId();
      await createUser({ id, name: `Person ${i}`, email: `${id}@example.org`, role });
      return id;
    }),
  );
}

export function makeSample(
  rest: Pick<NewSample, 'policyId' | 'roundId'> & Partial<NewSample>,
): NewSample {
  return {
    id: newId(),
    groupId: null,
    prompt: '1 hand',
    seed: 1,
    noiseSeed: 1,
    imageBlob: newId(),
    width: 64,
    height: 64,
    trajectoryBlob: null,
    purpose: 'training',
    ...rest,
  };
}

/** A run on a base policy of its own, its round sampling with the work unclaimed. */
export async function makeRun(config: Partial<RunConfigInput> = {}, mode: RunMode = 'single') {
  const pipeline = newId();
  const base = await ensureBasePolicy({ pipeline, name: 'base', hash: newId() });
  const { run, round } = await startRun({
    name: 'test',
    mode,
    method: 'd3po',
    pipeline,
    config: { prompts: ['1 hand'], evaluationPrompts: ['1 hand'], ...config },
    createdBy: null,
  });
  return { pipeline, base, run, round };
}

/** Pairs of a round with two samples each. */
export async function addPairs(
  round: { id: string; startPolicyId: string },
  count: number,
  rest: Partial<NewPair> = {},
): Promise<string[]> {
  const samples: NewSample[] = [];
  const pairs: NewPair[] = [];
  for (let i = 0; i < count; i++) {
    const of = { policyId: round.startPolicyId, roundId: round.id };
    const a = makeSample(of);
    const b = makeSample(of);
    samples.push(a, b);
    pairs.push({
      id: newId(),
      roundId: round.id,
      groupId: null,
      prompt: a.prompt,
      sampleAId: a.id,
      sampleBId: b.id,
      sharedNoise: false,
      purpose: 'training',
      target: 1,
      ...rest,
    });
  }
  await recordSamples({ samples, pairs });
  return pairs.map((pair) => pair.id);
}

/** A run whose round has `pairs` pairs for `target` people each and is being labeled. */
export async function makeLabelingRound({
  pairs = 4,
  target = 1,
  mode = 'single',
  ...config
}: { pairs?: number; target?: number; mode?: RunMode } & Partial<RunConfigInput> = {}) {
  const made = await makeRun(
    {
      ...config,
      sampling: { pairsPerRound: Math.max(2, pairs), ...config.sampling },
      labeling: { annotatorsPerPair: target, ...config.labeling },
    },
    mode,
  );
  const pairIds = await addPairs(made.round, pairs, { target });
  const workerId = newId();
  const claimed = await claimWork({ workerId, kinds: ['sample'] });
  await finishSampling({ workId: claimed!.work.id, workerId });
  return { ...made, pairIds };
}

/**
 * A run whose round has `groups` groups of `size` images for `target` people each and is being
 * labeled.
 */
export async function makeGroupRound({
  groups: count = 2,
  size = 4,
  target = 1,
  labeling = {},
}: {
  groups?: number;
  size?: number;
  target?: number;
  labeling?: RunConfigInput['labeling'];
} = {}) {
  const made = await makeRun({
    sampling: { pairSource: 'groups', groupsPerRound: count, groupSize: size },
    labeling: { annotatorsPerPair: target, ...labeling },
  });
  const { round } = made;
  const groups = Array.from({ length: count }, () => ({
    id: newId(),
    roundId: round.id,
    prompt: '1 hand',
    size,
  }));
  const samples = groups.flatMap((group) =>
    Array.from({ length: size }, (_, seed) =>
      makeSample({ policyId: round.startPolicyId, roundId: round.id, groupId: group.id, seed }),
    ),
  );
  await recordSamples({ groups, samples });
  const workerId = newId();
  const claimed = await claimWork({ workerId, kinds: ['sample'] });
  await finishSampling({ workId: claimed!.work.id, workerId });
  return { ...made, groupIds: groups.map(({ id }) => id) };
}
