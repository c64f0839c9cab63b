/**
 * What a data folder keeps of rounds that are over, and that training on it afterwards is the same
 * to the bit.
 */
import { readdir, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { getBlob, statBlob } from '@/db/blobs/blobs';
import { graceMs } from '@/db/blobs/collector';
import { blobPath, blobsFolder } from '@/db/blobs/folder';
import { db, logBytes, openDatabase, schema, truncateLog } from '@/db/client';
import { eventsAfter, latestEventId } from '@/db/events';
import { getRound } from '@/db/rounds/rounds';
import { startRun } from '@/db/rounds/runs';
import { listSamples } from '@/db/rounds/samples';
import type { Sample } from '@/db/schema/labels';
import type { Round } from '@/db/schema/rounds';
import type { RunConfigInput } from '@/lib/settings/run-config';
import { appendEvent } from '@/tests/support/events';
import { latentsAt, parseTrajectory } from '@/trainer/diffusion/sampling/trajectory';
import { openPolicy } from '@/trainer/rounds/pipelines/resolve';
import { FinishedLatents } from '@/trainer/rounds/train/archive/finished-latents';
import {
  collect,
  reduceTrajectories,
  tidyEvents,
  tidyRounds,
} from '@/trainer/rounds/worker/housekeeping';
import { Engine } from '@/trainer/runtime/engine';
import {
  baseOn,
  labelEverything,
  quickConfig,
  startRunFrom,
  startTrainer,
  untilRound,
  withHomes,
  withTinyPipeline,
} from '../support';

const pipeline = withTinyPipeline();
const homes = withHomes();
const log = pino({ level: 'silent' });
const { signal } = new AbortController();
const dayMs = 24 * 3_600_000;

const config = {
  ...quickConfig,
  sampling: { inferenceSteps: 3, batchImages: 2, pairsPerRound: 3 },
  evaluation: { images: 2 },
  'diffusion-dpo': { optimiserSteps: 3, pairsPerStep: 2, beta: 500 },
} satisfies RunConfigInput;

async function doneRound(more: RunConfigInput = config): Promise<Round> {
  const round = await startRunFrom(await baseOn(pipeline.folder), more);
  const trainer = startTrainer();
  await untilRound(round.id, ({ state }) => state === 'labeling', trainer);
  await labelEverything();
  await untilRound(round.id, ({ state }) => state === 'done', trainer);
  await trainer.end('SIGTERM');
  return getRound(round.id);
}

/** Ends a round of Diffusion-DPO on what there is; the hash of the weights it came to. */
async function trainedOnArchive(): Promise<string> {
  const { round } = await startRun({
    name: 'archive',
    mode: 'single',
    method: 'diffusion-dpo',
    pipeline: pipeline.folder,
    config,
    startPolicyId: (await baseOn(pipeline.folder)).id,
    createdBy: null,
  });
  const trainer = startTrainer();
  const { resultPolicyId } = await untilRound(round.id, ({ state }) => state === 'done', trainer);
  await trainer.end('SIGTERM');
  const rows = db().select().from(schema.policies).all();
  return rows.find(({ id }) => id === resultPolicyId)!.adapterBlob!;
}

/** Stored so long ago that nobody is about to point to it. */
async function ageTrajectories(samples: readonly Sample[]) {
  const at = new Date(Date.now() - 2 * graceMs);
  for (const { trajectoryBlob } of samples) await utimes(blobPath(trajectoryBlob!), at, at);
}

async function blobBytes(): Promise<number> {
  const names = await readdir(blobsFolder(), { recursive: true });
  const files = await Promise.all(names.map((name) => stat(join(blobsFolder(), name))));
  return files.reduce((total, file) => total + (file.isFile() ? file.size : 0), 0);
}

const trainingSamples = async ({ id }: Round) =>
  (await listSamples({ roundId: id, purpose: 'training' })).filter(
    ({ trajectoryBlob }) => trajectoryBlob !== null,
  );

it('keeps x_0 alone of a round that is done, on which training is the same', async () => {
  const home = await homes.make();
  const round = await doneRound();
  const twin = await homes.copy(home);
  homes.use(home);

  const before = await trainingSamples(round);
  await ageTrajectories(before);
  const x0 = new Map<string, Float32Array>();
  for (const { id, trajectoryBlob } of before) {
    const trajectory = parseTrajectory(await getBlob(trajectoryBlob!), id);
    x0.set(id, latentsAt(trajectory, trajectory.timesteps.length).slice());
  }
  const bytes = await blobBytes();
  // Not at once: what has just ended may still be looked at.
  await tidyRounds(round.finishedAt! + 1000, log, signal);
  expect(await blobBytes()).toBe(bytes);
  await tidyRounds(round.finishedAt! + 61_000, log, signal);
  const after = await trainingSamples(round);
  expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
  const latentBytes = x0.values().next().value!.byteLength;
  for (const [i, { trajectoryBlob }] of after.entries()) {
    expect(await statBlob(before[i]!.trajectoryBlob!)).toBeNull();
    // The numbers, and a header that says of which sample.
    expect((await getBlob(trajectoryBlob!)).length).toBeLessThan(latentBytes + 600);
  }
  expect(await blobBytes()).toBeLessThan(bytes);
  expect((await getRound(round.id)).tidied?.trajectories).toBeGreaterThan(0);

  // Also for whoever read the rows before, and had not read the trajectories yet.
  const engine = await Engine.open({ device: 'cpu', threads: 1 });
  const start = await openPolicy(round.startPolicyId);
  for (const samples of [after, before]) {
    const latents = new FinishedLatents(engine, start);
    for (const sample of samples) expect(await latents.of(sample)).toEqual(x0.get(sample.id));
  }
  await engine.close();
  const [first] = after;
  const left = await getBlob(first!.trajectoryBlob!);
  expect(() => parseTrajectory(left, 'The trajectory')).toThrow(/keepTrajectories/);

  // Again, there is nothing left to do.
  expect(await reduceTrajectories(round.id, signal)).toEqual({ files: 0, bytes: 0 });
  const reduced = await trainedOnArchive();
  homes.use(twin);
  expect((await trainingSamples(round))[0]!.trajectoryBlob).toBe(before[0]!.trajectoryBlob);
  expect(await trainedOnArchive()).toBe(reduced);
});

it('keeps them as long as the run says, and goes on where it was interrupted', async () => {
  await homes.make();
  const round = await doneRound();
  const before = await trainingSamples(round);
  const hashes = async () => (await trainingSamples(round)).map((one) => one.trajectoryBlob);
  const set = (sampling: Partial<Round['config']['sampling']>) =>
    db()
      .update(schema.rounds)
      .set({ config: { ...round.config, sampling: { ...round.config.sampling, ...sampling } } })
      .where(eq(schema.rounds.id, round.id))
      .run();
  const whole = before.map((one) => one.trajectoryBlob);
  set({ keepTrajectories: 'always' });
  await tidyRounds(Date.now() + 9999 * dayMs, log, signal);
  expect(await hashes()).toEqual(whole);
  set({ keepTrajectories: 'days', trajectoryDays: 3 });
  await tidyRounds(round.finishedAt! + 2.9 * dayMs, log, signal);
  expect(await hashes()).toEqual(whole);
  // Interrupted before the first piece: it is not noted as done.
  await tidyRounds(round.finishedAt! + 3.1 * dayMs, log, AbortSignal.abort());
  expect(await hashes()).toEqual(whole);
  await tidyRounds(round.finishedAt! + 3.1 * dayMs, log, signal);
  const now = await hashes();
  expect(now.filter((hash) => whole.includes(hash))).toEqual([]);
  // Just stored, so perhaps about to be pointed to by somebody else: they go when they are
  // collected.
  for (const hash of whole) expect(await statBlob(hash!)).not.toBeNull();
  await ageTrajectories(before);
  expect((await collect(Date.now(), log, signal)).files).toBe(before.length);
  for (const hash of now) await getBlob(hash!);
});

describe('rows', () => {
  it('of events are kept for a week, and their numbers go on', async () => {
    await homes.make();
    const payload = { workerId: 'w', alive: true, message: 'works' };
    const event = { kind: 'worker', payload, roundId: null } as const;
    for (let i = 0; i < 3; i++) await appendEvent(event);
    const rows = db().select().from(schema.events).all();
    const [first] = rows;
    const old = Date.now() - 7 * dayMs - 1000;
    db().update(schema.events).set({ createdAt: old }).where(eq(schema.events.id, first!.id)).run();
    const last = await latestEventId();
    await tidyEvents(Date.now(), log, signal);
    expect((await eventsAfter(0)).map(({ id }) => id)).toEqual(rows.slice(1).map(({ id }) => id));
    await tidyEvents(Date.now() + 8 * dayMs, log, signal);
    expect(await eventsAfter(0)).toEqual([]);
    expect(await appendEvent(event)).toBeGreaterThan(last);
  });

  it('of leases are kept for a week after the round, and answers for good', async () => {
    await homes.make();
    const round = await doneRound();
    const count = () => db().select().from(schema.leases).all().length;
    const answers = db().select().from(schema.preferences).all();
    expect(count()).toBeGreaterThan(0);
    await tidyRounds(round.finishedAt! + 6.9 * dayMs, log, signal);
    expect(count()).toBeGreaterThan(0);
    await tidyRounds(round.finishedAt! + 7.1 * dayMs, log, signal);
    expect(count()).toBe(0);
    expect(db().select().from(schema.preferences).all()).toEqual(answers);
  });
});

describe('the write-ahead log', () => {
  const grow = () =>
    db()
      .insert(schema.settings)
      .values({ key: `${Math.random()}`, value: 'x'.repeat(20_000_000) })
      .run();

  it('is cut to nothing, unless a reader still needs it, whom nobody waits for', async () => {
    const home = await homes.make();
    const reader = openDatabase(join(home, 'darkroom.db')).$client;
    reader.exec('begin; select count(*) from settings');
    grow();
    expect(truncateLog()).toMatchObject({ busy: true });
    expect(logBytes()).toBeGreaterThan(20_000_000);
    // Writers go on meanwhile.
    grow();
    reader.exec('commit');
    reader.close();
    expect(truncateLog()).toEqual({ bytes: 0, busy: false });
    expect(logBytes()).toBe(0);
  });

  it('is cut to 64 MiB by itself once what has grown it has ended', async () => {
    const home = await homes.make();
    const reader = openDatabase(join(home, 'darkroom.db')).$client;
    reader.exec('begin; select count(*) from settings');
    for (let i = 0; i < 5; i++) grow();
    expect(logBytes()).toBeGreaterThan(90_000_000);
    reader.exec('commit');
    reader.close();
    grow();
    grow();
    expect(logBytes()).toBeLessThanOrEqual(64 * 2 ** 20);
  });
});
