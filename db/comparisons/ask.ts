import { and, asc, eq, ne, notExists, or } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import { recordAudit } from '../audit';
import { derivedId } from '../ids';
import { drawingOf } from '../policies/drawings';
import { type Policy, policyIn } from '../policies/policies';
import { comparisons } from '../schema/comparisons';
import { pairs } from '../schema/labels';
import { all, change, immediate, type Steps, type Transaction } from '../transaction';
import { endComparison } from './end';
import { first, isComparison, ordered, second, type Versions } from './versions';

type Version = Pick<Policy, 'id' | 'name' | 'parentId' | 'pipeline'>;

/** Images of both versions on one prompt and seed, drawn alike, that nobody was asked about yet. */
function* unasked(
  tx: Transaction,
  [one, other]: readonly [Version, Version],
  { drawing, most }: { drawing: string; most: number },
) {
  const drawn = (image: typeof first | typeof second, policy: Version) =>
    and(
      eq(image.policyId, policy.id),
      eq(image.purpose, 'evaluation'),
      eq(image.drawing, drawingOf(policy, drawing)),
    );
  return yield* all(
    tx
      .select({
        prompt: first.prompt,
        firstId: first.id,
        secondId: second.id,
        roundOfFirst: first.roundId,
        roundOfSecond: second.roundId,
      })
      .from(first)
      .innerJoin(
        second,
        and(
          eq(second.prompt, first.prompt),
          eq(second.seed, first.seed),
          eq(second.noiseSeed, first.noiseSeed),
        ),
      )
      .where(
        and(
          drawn(first, one),
          drawn(second, other),
          notExists(
            tx
              .select({ id: pairs.id })
              .from(pairs)
              .where(
                and(
                  isComparison,
                  ne(pairs.state, 'withdrawn'),
                  or(
                    and(eq(pairs.sampleAId, first.id), eq(pairs.sampleBId, second.id)),
                    and(eq(pairs.sampleAId, second.id), eq(pairs.sampleBId, first.id)),
                  ),
                ),
              ),
          ),
        ),
      )
      .orderBy(asc(first.seed), asc(first.prompt))
      .limit(most),
  );
}

function* bothIn(tx: Transaction, versions: Versions): Steps<readonly [Policy, Policy]> {
  const both = [yield* policyIn(tx, versions[0]), yield* policyIn(tx, versions[1])] as const;
  if (versions[0] === versions[1]) {
    throw new AppError(
      'bad-request',
      `${both[0].name} cannot be compared with itself. Choose two.`,
    );
  }
  if (both[0].pipeline === both[1].pipeline) return both;
  throw new AppError(
    'bad-request',
    `${both[0].name} and ${both[1].name} are of different pipelines. Choose two versions of one.`,
  );
}

/**
 * Asks people which of two versions is better: up to `most` pairs of images that both drew alike
 * from one prompt and seed, in the order of the seeds, of those that were not asked about yet.
 * Returns how many. Throws 'not-found', 'bad-request', and 'conflict' where no such pair is left.
 * @param drawing how the images were drawn, a key of lib/drawings.ts
 * @param people how many are to answer each pair
 * @param untilSure asks no more as soon as one version is better beyond chance (`endIfSure`)
 */
export async function askWhichIsBetter({
  versions,
  drawing,
  most,
  people,
  untilSure = false,
  askedBy,
  now = Date.now(),
}: {
  versions: Versions;
  drawing: string;
  most: number;
  people: number;
  untilSure?: boolean;
  askedBy: string | null;
  now?: number;
}): Promise<number> {
  return immediate(function* (tx) {
    const both = yield* bothIn(tx, versions);
    const found = yield* unasked(tx, both, { drawing, most });
    const asked = found.flatMap(({ roundOfFirst, roundOfSecond, ...pair }) => {
      const roundId = roundOfSecond ?? roundOfFirst;
      return roundId === null ? [] : [{ ...pair, roundId }];
    });
    if (asked.length === 0) {
      throw new AppError(
        'conflict',
        `${both[0].name} and ${both[1].name} have no images of one prompt and seed left, drawn alike, of which nobody was asked. A round that starts from one of them and evaluates draws more.`,
      );
    }
    const [oneId, otherId] = ordered(versions);
    const asking = { untilSure, ended: null, endedAt: null, askedBy, createdAt: now };
    yield* change(
      tx
        .insert(comparisons)
        .values({
          id: derivedId('comparison', oneId, otherId),
          pipeline: both[0].pipeline,
          oneId,
          otherId,
          ...asking,
        })
        .onConflictDoUpdate({ target: comparisons.id, set: asking }),
    );
    for (const { firstId, secondId, roundId, prompt } of asked) {
      const pair = {
        id: derivedId('comparison', ...[firstId, secondId].sort()),
        roundId,
        prompt,
        sampleAId: firstId,
        sampleBId: secondId,
        sharedNoise: true,
        purpose: 'evaluation' as const,
        target: people,
        createdAt: now,
      };
      // One that was withdrawn is asked again.
      yield* change(
        tx
          .insert(pairs)
          .values(pair)
          .onConflictDoUpdate({ target: pairs.id, set: { state: 'open', target: people } }),
      );
    }
    yield* recordAudit(
      tx,
      {
        actorId: askedBy,
        action: 'comparison.ask',
        subject: versions[0],
        detail: { other: versions[1], pairs: asked.length, people, drawing, untilSure },
      },
      now,
    );
    return asked.length;
  });
}

/**
 * Stops asking which of two versions is better: what is answered stays and counts. Returns how many
 * pairs were withdrawn. Throws 'not-found' and 'bad-request'.
 */
export async function stopAsking(
  versions: Versions,
  stoppedBy: string | null,
  now = Date.now(),
): Promise<number> {
  return immediate(function* (tx) {
    yield* bothIn(tx, versions);
    const withdrawn = yield* endComparison(tx, versions, 'stopped', now);
    const detail = { other: versions[1], pairs: withdrawn };
    yield* recordAudit(
      tx,
      { actorId: stoppedBy, action: 'comparison.stop', subject: versions[0], detail },
      now,
    );
    return withdrawn;
  });
}
