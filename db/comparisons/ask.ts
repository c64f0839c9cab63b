import { and, asc, desc, eq, inArray, isNotNull, ne, notExists, or, sql } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import { recordAudit } from '../audit';
import { db } from '../client';
import { derivedId } from '../ids';
import { countedAnswers } from '../leases/next-pair';
import { drawingOf } from '../policies/drawings';
import { type Policy, policyIn } from '../policies/policies';
import { comparisons } from '../schema/comparisons';
import { pairs } from '../schema/labels';
import { evaluations } from '../schema/rounds';
import { all, change, immediate, one, read, type Steps, type Transaction } from '../transaction';
import { endComparison } from './end';
import { first, isComparison, ordered, second, type Versions } from './versions';

type Version = Pick<Policy, 'id' | 'name' | 'parentId' | 'pipeline'>;

/** Images of both versions on one prompt and seed, drawn alike, that nobody was asked about yet. */
function* unasked(
  tx: Transaction,
  [a, b]: readonly [Version, Version],
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
          drawn(first, a),
          drawn(second, b),
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

/**
 * Images of what a round starts from are of no round: they are compared under the settings of the
 * newest one that measured either. Throws 'conflict' where none has.
 */
function* roundThatMeasured(tx: Transaction, versions: Versions): Steps<string> {
  const measured = yield* one(
    tx
      .select({ roundId: evaluations.roundId })
      .from(evaluations)
      .where(and(inArray(evaluations.policyId, [...versions]), isNotNull(evaluations.roundId)))
      .orderBy(desc(evaluations.createdAt), desc(evaluations.id))
      .limit(1),
  );
  if (measured?.roundId) return measured.roundId;
  throw new AppError(
    'conflict',
    'No round has measured either of these versions. Start a run from one of them first.',
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

/** Whether images of both are left, drawn so, of which nobody was asked. Throws 'not-found'. */
export async function canBeAsked(versions: Versions, drawing: string): Promise<boolean> {
  const both = await read(bothIn(db(), versions));
  return (await read(unasked(db(), both, { drawing, most: 1 }))).length > 0;
}

/**
 * Asks people which of two versions is better: up to `most` pairs of images that both drew alike
 * from one prompt and seed, in the order of the seeds, of those that were not asked about yet.
 * Returns how many. Throws 'not-found', 'bad-request', and 'conflict' where no such pair is left.
 * @param drawing how the images were drawn, a key of lib/drawings.ts
 * @param people how many are to answer each pair
 * @param untilSure asks no more as soon as one version is better beyond chance (`lookWhetherSure`)
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
    const asked = yield* unasked(tx, both, { drawing, most });
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
    const measuredIn = yield* roundThatMeasured(tx, versions);
    for (const { firstId, secondId, roundOfFirst, roundOfSecond, prompt } of asked) {
      const roundId = roundOfSecond ?? roundOfFirst ?? measuredIn;
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
      // One that was withdrawn is asked again, unless it has its answers.
      yield* change(
        tx
          .insert(pairs)
          .values(pair)
          .onConflictDoUpdate({
            target: pairs.id,
            set: {
              state: sql`case when ${countedAnswers} >= ${people} then 'complete' else 'open' end`,
              target: people,
            },
          }),
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
