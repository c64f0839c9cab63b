/**
 * @file `npm run bench -- --picks`: what a pick costs in the database, by open pairs and by one's
 * own earlier answers.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeDatabases, databasePath, db } from '@/db/client';
import { submitPreference } from '@/db/labeling/preferences';
import { labelProgress } from '@/db/labeling/progress';
import { leasePairs } from '@/db/leases/pair-leases';
import { migrateDatabase } from '@/db/migrate';
import { cancelRun } from '@/db/rounds/runs';
import { makeLabelingRound, makePeople } from '../db/support';
import { fillAnswers, fillPairs } from '../support/fill-labels';

/**
 * Costs of one pick: its POST and the GET of the next pair, without HTTP; means over those
 * measured.
 */
export interface PickCost {
  openPairs: number;
  ownAnswers: number;
  /** CPU time of this process, ms. */
  cpuMs: number;
  /** Bytes appended to the write-ahead log. */
  walBytes: number;
}

const sizes = { openPairs: [50, 5_000, 50_000], ownAnswers: [0, 1_000, 100_000] };
const picks = 50;
const warmUp = 10;

/** Measures picks in a database of its own. */
export async function measurePicks(): Promise<PickCost[]> {
  const before = process.env.DARKROOM_HOME;
  const home = mkdtempSync(join(tmpdir(), 'darkroom-picks-'));
  process.env.DARKROOM_HOME = home;
  try {
    await migrateDatabase();
    const costs: PickCost[] = [];
    for (const ownAnswers of sizes.ownAnswers) costs.push(...(await measureAfter(ownAnswers)));
    return costs;
  } finally {
    closeDatabases();
    rmSync(home, { recursive: true, force: true });
    if (before === undefined) delete process.env.DARKROOM_HOME;
    else process.env.DARKROOM_HOME = before;
  }
}

async function measureAfter(ownAnswers: number): Promise<PickCost[]> {
  const [annotatorId] = (await makePeople(1)) as [string];
  const old = await makeLabelingRound({ pairs: 2 });
  await cancelRun(old.run.id, null);
  await fillAnswers(old.round, annotatorId, ownAnswers);
  const costs: PickCost[] = [];
  for (const openPairs of sizes.openPairs) {
    const { round, run } = await makeLabelingRound({ pairs: 50 });
    await fillPairs(round, picks + warmUp + openPairs - 50);
    costs.push({ openPairs, ownAnswers, ...(await measure(annotatorId)) });
    await cancelRun(run.id, null);
  }
  return costs;
}

/** A table of costs, a line each. */
export function picksText(costs: readonly PickCost[]): string {
  return costs
    .map(
      ({ openPairs, ownAnswers, cpuMs, walBytes }) =>
        `${openPairs} open pairs, ${ownAnswers} own answers: ${cpuMs.toFixed(1)} ms of CPU and ${(walBytes / 1000).toFixed(0)} kB of WAL a pick`,
    )
    .join('\n');
}

async function measure(annotatorId: string): Promise<Pick<PickCost, 'cpuMs' | 'walBytes'>> {
  for (let i = 0; i < warmUp; i++) await pick(annotatorId);
  const { $client } = db();
  const walBytes = () => statSync(`${databasePath()}-wal`).size;
  $client.pragma('wal_checkpoint(TRUNCATE)');
  $client.pragma('wal_autocheckpoint = 0');
  const [cpu, wal] = [process.cpuUsage(), walBytes()];
  for (let i = 0; i < picks; i++) await pick(annotatorId);
  const { user, system } = process.cpuUsage(cpu);
  $client.pragma('wal_autocheckpoint = 1000');
  return { cpuMs: (user + system) / 1000 / picks, walBytes: (walBytes() - wal) / picks };
}

/** What the page asks for: the next pair and an answer, each with the person's progress. */
async function pick(annotatorId: string): Promise<void> {
  const now = Date.now();
  const leased = await leasePairs({ annotatorId });
  if (leased.state !== 'pairs') throw new Error(`There is no pair to pick: ${leased.state}.`);
  await labelProgress(annotatorId, { dayStartMs: now - 3_600_000 });
  await submitPreference({
    id: crypto.randomUUID(),
    leaseId: leased.pairs[0]!.leaseId,
    annotatorId,
    answer: 'left',
    shownAtMs: now - 1000,
    decidedAtMs: now,
    guidelinesVersion: 1,
  });
  await labelProgress(annotatorId, { dayStartMs: now - 3_600_000 });
}
