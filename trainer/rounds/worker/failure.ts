/**
 * @file What became of work that failed: whether trying again may help, and what a person is told.
 */
import { AppError } from '@/lib/errors';
import { EngineDiedError } from '@/trainer/runtime/errors';

/** The engine's process died, or the database was busy: nothing is wrong with the work itself. */
export function mayPass(thrown: unknown): boolean {
  return (
    thrown instanceof EngineDiedError ||
    (thrown instanceof AppError && thrown.code === 'unavailable')
  );
}

/** Errors that JavaScript itself raises: a mistake of ours, not of the input. */
function isBug(thrown: unknown): boolean {
  return (
    !(thrown instanceof Error) || thrown instanceof TypeError || thrown instanceof ReferenceError
  );
}

/** Node's, a quota's and our own word for a disk that takes no more. */
const full = ['ENOSPC', 'EDQUOT', 'storage-full'];

/** Why a round failed and what to do, for the person who reads its page. */
export function explainFailure(thrown: unknown): string {
  if (isBug(thrown)) {
    return `The trainer met an error it does not know: ${String(thrown)}. Its log has the details; try the round again, and report it if it happens again.`;
  }
  const error = thrown as NodeJS.ErrnoException;
  if (error.code && full.includes(error.code)) {
    const what = error instanceof AppError ? error.message : (error.path ?? error.message);
    return `The disk is full (${what.replace(/\.$/, '')}). Free some space, then try the round again: it goes on where it stopped.`;
  }
  return error.message;
}
