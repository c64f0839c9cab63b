import { and, asc, eq, gt } from 'drizzle-orm';
import type { PairState, Purpose } from '@/lib/samples';
import { db } from '../../db/client';
import { type Pair, pairs } from '../../db/schema/labels';

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
