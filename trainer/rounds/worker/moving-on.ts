/** @file Moving rounds on, beside the work: those due at once, all of them now and then. */
import type { Logger } from 'pino';
import { advanceDueRounds, advanceReadyRounds } from '@/db/rounds/advance';
import { lookForWork, pause, pollMs } from './waiting';

/** Every change notes itself; this is for whoever died between noting and looking. */
const allEveryMs = 60_000;

/** Runs until told to stop. What cannot be decided yet is logged and tried again. */
export async function moveRoundsOn(log: Logger, stopping: AbortSignal): Promise<void> {
  let allAt = Number.NEGATIVE_INFINITY;
  while (!stopping.aborted) {
    await lookForWork(async () => {
      const isTime = performance.now() - allAt >= allEveryMs;
      await (isTime ? advanceReadyRounds() : advanceDueRounds());
      if (isTime) allAt = performance.now();
      return null;
    }, log);
    await pause(pollMs, stopping);
  }
}
