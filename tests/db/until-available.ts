import { AppError } from '@/lib/errors';

/** Many processes on a slow disk can keep one waiting longer than the busy time-out: ask again. */
export async function untilAvailable<T>(operation: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await operation();
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'unavailable') throw error;
    }
  }
}
