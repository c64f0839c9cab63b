/**
 * @file What keeps a data folder from growing for ever, a small piece at a time beside the
 * trainer's work: trajectories of rounds that are over, leases, old events, blobs that nobody
 * points to, the write-ahead log. Each piece may be interrupted at any moment, and the next run
 * goes on.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { getBlob, putBlob } from '@/db/blobs/blobs';
import { blobPrefixes, type Collected, collectUnder, dropBlobs, sum } from '@/db/blobs/collector';
import { logBytes, truncateLog } from '@/db/client';
import { forgetFreezing } from '@/db/rounds/freezing';
import type { Round } from '@/db/schema/rounds';
import {
  type Kept,
  noteTidied,
  pruneEvents,
  pruneLeases,
  replaceTrajectories,
  roundsHalfFrozen,
  roundsToTidy,
  trajectoriesOf,
  withdrawLeftPairs,
} from '@/db/work/pruning';
import { AppError } from '@/lib/errors';
import {
  isFinished,
  parseTrajectory,
  serializeFinished,
} from '@/trainer/diffusion/sampling/trajectory';
import { SafetensorsError } from '@/trainer/formats/safetensors';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const everyMs = minuteMs;
const collectEveryMs = 60 * minuteMs;
const eventDays = 7;
const leaseDays = 7;
/** What has just ended may still be looked at. */
const settleMs = minuteMs;
/** Between two pieces: whoever waits for the disk or the database comes first. */
const pauseMs = 20;
const trajectoriesPerPiece = 20;
/** A blob of a row that is as old is not about to be stored for another one. */
const storedAgoMs = 10 * minuteMs;
const logBytesEnough = 32 * 2 ** 20;

/** Runs until told to stop. What fails is logged and tried again. */
export async function keepHouse(log: Logger, signal: AbortSignal): Promise<void> {
  let collectedAt = 0;
  while (!signal.aborted) {
    await sleep(everyMs, undefined, { signal, ref: false }).catch(() => {});
    if (signal.aborted) return;
    const now = Date.now();
    await attempt(log, 'write-ahead log', async () => cutLog(log));
    await attempt(log, 'events', () => tidyEvents(now, log, signal));
    await attempt(log, 'rounds', () => tidyRounds(now, log, signal));
    if (now - collectedAt < collectEveryMs) continue;
    await attempt(log, 'left-over files', async () => void (await collect(now, log, signal)));
    collectedAt = now;
  }
}

async function attempt(log: Logger, what: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    log.warn({ error, what }, 'could not be tidied yet');
  }
}

function cutLog(log: Logger): void {
  const before = logBytes();
  if (before < logBytesEnough) return;
  const { bytes, busy } = truncateLog();
  if (busy) log.warn({ bytes }, 'a long reader keeps the write-ahead log from being cut');
  else log.info({ before, bytes }, 'cut the write-ahead log');
}

/** Events older than a week. */
export async function tidyEvents(now: number, log: Logger, signal: AbortSignal): Promise<void> {
  let pruned = 0;
  while (!signal.aborted) {
    const some = await pruneEvents(now - eventDays * dayMs);
    if (some === 0) break;
    pruned += some;
    await sleep(pauseMs);
  }
  if (pruned > 0) log.info({ pruned }, 'forgot events');
}

/** What rounds that are over no longer need, by their settings. */
export async function tidyRounds(now: number, log: Logger, signal: AbortSignal): Promise<void> {
  for (const id of roundsHalfFrozen()) await forgetFreezing(id);
  await withdrawLeftPairs();
  for (const { id } of roundsToTidy('leases', now - leaseDays * dayMs)) {
    if (signal.aborted) return;
    const pruned = await pruneLeases(id);
    await noteTidied(id, 'leases');
    if (pruned > 0) log.info({ round: id, pruned }, 'forgot leases');
    await sleep(pauseMs);
  }
  for (const round of roundsToTidy('trajectories', now - settleMs)) {
    if (signal.aborted) return;
    if (!isDue(round, now)) continue;
    const freed = await reduceTrajectories(round.id, signal);
    if (signal.aborted) return;
    await noteTidied(round.id, 'trajectories');
    if (freed.files > 0) log.info({ round: round.id, ...freed }, 'kept finished latents only');
  }
}

function isDue({ config, finishedAt }: Round, now: number): boolean {
  const { keepTrajectories, trajectoryDays } = config.sampling;
  if (keepTrajectories === 'always') return false;
  const keptMs = keepTrajectories === 'days' ? trajectoryDays * dayMs : 0;
  return (finishedAt ?? now) + keptMs <= now;
}

/**
 * Keeps, of all trajectories of a round, only x_0. Returns what was freed at once; the rest goes
 * when it is collected.
 */
export async function reduceTrajectories(roundId: string, signal: AbortSignal): Promise<Collected> {
  const freed: Collected[] = [];
  for (let after = ''; !signal.aborted; ) {
    const kept = trajectoriesOf(roundId, after, trajectoriesPerPiece);
    const last = kept.at(-1);
    if (!last) break;
    after = last.sampleId;
    const reduced = (await Promise.all(kept.map(reducedOf))).filter((one) => one !== null);
    if (reduced.length > 0) await replaceTrajectories(reduced);
    const storedAgo = Date.now() - storedAgoMs;
    freed.push(
      await dropBlobs(
        reduced.map(({ blob, createdAt }) => ({
          hash: blob,
          // Stored later than its row: somebody else may be about to point to it.
          storedUntil: Math.min(createdAt, storedAgo),
        })),
      ),
    );
    await sleep(pauseMs);
  }
  return sum(freed);
}

async function reducedOf(kept: Kept): Promise<(Kept & { by: string }) | null> {
  try {
    const bytes = await getBlob(kept.blob);
    if (isFinished(bytes)) return null;
    const trajectory = parseTrajectory(bytes, `The trajectory of sample ${kept.sampleId}`);
    return { ...kept, by: await putBlob(serializeFinished(trajectory)) };
  } catch (thrown) {
    // Missing or damaged: whoever needs it is told so, and a restored one stays as it is.
    const isBroken = thrown instanceof AppError && thrown.code !== 'storage-full';
    if (isBroken || thrown instanceof SafetensorsError) return null;
    throw thrown;
  }
}

/** Blobs that nobody points to, half-written files. */
export async function collect(now: number, log: Logger, signal: AbortSignal): Promise<Collected> {
  const collected: Collected[] = [];
  for (const prefix of await blobPrefixes()) {
    if (signal.aborted) break;
    collected.push(await collectUnder(prefix, now));
    await sleep(pauseMs);
  }
  const all = sum(collected);
  if (all.files > 0) log.info(all, 'collected left-over files');
  return all;
}
