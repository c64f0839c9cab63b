import { and, asc, eq, gt } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import type { PairState, Purpose } from '@/lib/samples';
import { db } from './client';
import type { Pair } from './samples';
import { pairs } from './schema/labels';

/** Throws 'not-found'. */
export async function getPair(id: string): Promise<Pair> {
  const pair = db().select().from(pairs).where(eq(pairs.id, id)).get();
  if (!pair) throw new AppError('not-found', `There is no pair ${id}.`);
  return pair;
}

/** A round's pairs in the order of their ids; pass the last id seen as `after` to go on. */
export async function listPairs({
  roundId,
  purpose,
  state,
  after,
  limit = 500,
}: {
  roundId: string;
  purpose?: Purpose;
  state?: PairState;
  after?: string;
  limit?: number;
}): Promise<Pair[]> {
  return db()
    .select()
    .from(pairs)
    .where(
      and(
        eq(pairs.roundId, roundId),
        purpose === undefined ? undefined : eq(pairs.purpose, purpose),
        state === undefined ? undefined : eq(pairs.state, state),
        after === undefined ? undefined : gt(pairs.id, after),
      ),
    )
    .orderBy(asc(pairs.id))
    .limit(limit)
    .all();
}
