/** @file Open pairs and old answers by the ten thousand, as labeling leaves them behind. */
import type { NewPair } from '@/db/rounds/samples';
import { leases, pairs, preferences, samples } from '@/db/schema/labels';
import { change, immediate } from '@/db/transaction';

const rowsPerInsert = 400;

function chunksOf<T>(rows: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(rows.length / rowsPerInsert) }, (_, i) =>
    rows.slice(i * rowsPerInsert, (i + 1) * rowsPerInsert),
  );
}

/** Stores pairs of a round with two samples each, far faster than the trainer does. */
export async function fillPairs(
  round: { id: string; startPolicyId: string },
  count: number,
  rest: Partial<NewPair & { state: 'open' | 'complete' }> = {},
): Promise<(NewPair & { id: string })[]> {
  const createdAt = Date.now();
  const made = Array.from({ length: count }, () => {
    const [a, b] = [crypto.randomUUID(), crypto.randomUUID()];
    const id = crypto.randomUUID();
    const of = { prompt: '1 hand', roundId: round.id, groupId: null };
    return { ...of, id, sampleAId: a, sampleBId: b, sharedNoise: false, createdAt } as const;
  }).map((pair) => ({ purpose: 'training' as const, target: 1, ...pair, ...rest }));
  await immediate(function* (tx) {
    for (const rows of chunksOf(made)) {
      const drawn = rows.flatMap(({ sampleAId, sampleBId }) => [sampleAId, sampleBId]);
      for (const ids of chunksOf(drawn)) {
        yield* change(
          tx.insert(samples).values(
            ids.map((id) => ({
              id,
              policyId: round.startPolicyId,
              roundId: round.id,
              prompt: '1 hand',
              seed: 1,
              noiseSeed: 1,
              imageBlob: id,
              width: 64,
              height: 64,
              purpose: 'training' as const,
              createdAt,
            })),
          ),
        );
      }
      yield* change(tx.insert(pairs).values(rows));
    }
  });
  return made;
}

/** Stores answers of one person to complete pairs, over as many days as it takes at 2,000 a day. */
export async function fillAnswers(
  round: { id: string; startPolicyId: string },
  annotatorId: string,
  count: number,
): Promise<void> {
  const answered = await fillPairs(round, count, { state: 'complete' });
  const dayMs = 86_400_000;
  const start = Date.now() - dayMs * Math.ceil(count / 2000 + 1);
  const rows = answered.map((pair, i) => {
    const at = start + Math.floor((i / 2000) * dayMs);
    const sides = { leftSampleId: pair.sampleAId, rightSampleId: pair.sampleBId };
    const lease = { id: crypto.randomUUID(), pairId: pair.id, annotatorId, ...sides };
    return {
      lease: { ...lease, servedAt: at, expiresAt: at + 120_000, releasedAt: at + 1000 },
      preference: {
        ...sides,
        id: crypto.randomUUID(),
        pairId: pair.id,
        annotatorId,
        leaseId: lease.id,
        answer: 'left' as const,
        policyId: round.startPolicyId,
        purpose: 'training' as const,
        shownAtMs: at,
        decidedAtMs: at + 1000,
        decisionMs: 1000,
        createdAt: at + 1000,
      },
    };
  });
  await immediate(function* (tx) {
    for (const some of chunksOf(rows)) {
      yield* change(tx.insert(leases).values(some.map(({ lease }) => lease)));
      yield* change(tx.insert(preferences).values(some.map(({ preference }) => preference)));
    }
  });
}
