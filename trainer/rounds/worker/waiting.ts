/** @file How a loop waits: for work, for a database that is busy, for the moment to try again. */
import type { Logger } from 'pino';
import { AppError } from '@/lib/errors';
import { Halt } from './assignment';

/** Between two looks for work. */
export const pollMs = 500;
export const retryPauseMs = 1000;

/** Waits; a stop ends the wait. */
export function pause(milliseconds: number, stopping: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      stopping.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, milliseconds);
    stopping.addEventListener('abort', wake);
    if (stopping.aborted) wake();
  });
}

/**
 * What there is to do, or null; also where the database is busy or full: nothing is lost by asking
 * again.
 */
export async function lookForWork<Claimed>(
  claim: () => Promise<Claimed | null>,
  log: Logger,
): Promise<Claimed | null> {
  try {
    return await claim();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    log.warn({ error }, 'could not look for work');
    return null;
  }
}

/** A full disk or a busy database must not keep work from hearing what became of it. */
export async function insist(
  tell: () => Promise<void>,
  stopping: AbortSignal,
  log: Logger,
): Promise<void> {
  for (;;) {
    try {
      return await tell();
    } catch (thrown) {
      if (isLost(thrown)) return;
      log.warn({ error: thrown }, 'could not be reported yet');
      if (stopping.aborted) return;
      await pause(retryPauseMs, stopping);
    }
  }
}

/** Whether the work belongs to another trainer now, or to nobody. */
export function isLost(thrown: unknown): boolean {
  if (thrown instanceof Halt) return thrown.because === 'lost';
  return thrown instanceof AppError && thrown.code === 'work-lost';
}
