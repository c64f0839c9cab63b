/** A database whose reward models were a queue of their own. */
import { dirname } from 'node:path';
import { eq } from 'drizzle-orm';
import { afterEach, expect, it } from 'vitest';
import { closeDatabases, db, schema } from '@/db/client';
import { migrateDatabase } from '@/db/migrate';
import { getRewardModel } from '@/db/rewards/reward-models';
import { claimWork, failWork } from '@/db/work/queue';
import { rewardWorkKinds } from '@/lib/work';
import { withOlderHome } from '../older-home';

const home = withOlderHome(/CREATE UNIQUE INDEX `work_reward_model_kind`/);
const before = process.env.DARKROOM_HOME;

afterEach(() => {
  closeDatabases();
  if (before === undefined) delete process.env.DARKROOM_HOME;
  else process.env.DARKROOM_HOME = before;
});

it('keeps what waits and what is being done, with its attempts, cursor and worker', async () => {
  const now = Date.now();
  const path = home.fill((client) => {
    client
      .prepare(
        "insert into workers (id, pid, host, device, started_at, heartbeat_at, info) values ('alive', 1, 'here', 'cpu', 0, ?, '{}')",
      )
      .run(now);
    const model = client.prepare(
      `insert into reward_models (id, pipeline, source, version, state, until, folder, claimed_by, attempts, created_at)
       values (?, 'hands', ?, ?, ?, 0, ?, ?, ?, ?)`,
    );
    model.run('waiting', 'picks', 1, 'queued', null, null, 0, 3);
    model.run('making', 'flags', 1, 'training', null, 'alive', 1, 2);
    model.run('orphan', 'imported', 1, 'training', '/models/taste', 'dead', 3, 1);
    model.run('ready', 'picks', 2, 'ready', null, null, 1, 0);
    client.exec(`
      insert into policies (id, name, pipeline, hash, manifest, created_at) values ('p', 'base', 'hands', 'h', '{}', 0);
      insert into runs (id, name, mode, method, pipeline, config, status, created_at)
        values ('r', 'run', 'single', 'd3po', 'hands', '{"prompts":["1 hand"],"evaluationPrompts":["1 hand"]}', 'active', 0);
      insert into rounds (id, run_id, ordinal, state, start_policy_id, config, progress, created_at, started_at)
        select 'round', id, 1, 'training', 'p', config, '{}', 0, 0 from runs;
      insert into work (id, round_id, kind, state, claimed_by, claimed_at, heartbeat_at, attempts, cursor, created_at)
        values ('w', 'round', 'train', 'claimed', 'alive', 5, 6, 2, '{"step":7}', 4);
    `);
  });
  await migrateDatabase(path);
  process.env.DARKROOM_HOME = dirname(path);

  const [train] = db().select().from(schema.work).where(eq(schema.work.id, 'w')).all();
  expect(train).toEqual({
    id: 'w',
    kind: 'train',
    roundId: 'round',
    rewardModelId: null,
    pipelineImportId: null,
    state: 'claimed',
    claimedBy: 'alive',
    claimedAt: 5,
    heartbeatAt: 6,
    attempts: 2,
    cursor: { step: 7 },
    error: null,
    createdAt: 4,
  });
  const claim = (at: number) => claimWork({ workerId: 'w', kinds: rewardWorkKinds, now: at });
  // The import has ended three trainers already; the flags are in a living one's hands.
  const first = await claim(now);
  expect(first).toMatchObject({
    work: { kind: 'learn-reward', attempts: 1 },
    rewardModel: { id: 'waiting', state: 'training' },
  });
  expect(await getRewardModel('orphan')).toMatchObject({
    state: 'failed',
    error: expect.stringContaining('Import a smaller model'),
  });
  await failWork({ workId: first!.work.id, workerId: 'w', error: 'enough' });
  expect(await claim(now)).toBeNull();
  expect(await claim(now + 31_000)).toMatchObject({
    work: { kind: 'learn-reward', attempts: 2 },
    rewardModel: { id: 'making' },
  });
  expect((await getRewardModel('ready')).state).toBe('ready');
});
