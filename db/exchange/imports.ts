/**
 * @file Answers given elsewhere, with their images: kept as samples, pairs and preferences of an
 * import. All ids follow from what they name, so that importing again changes nothing.
 */
import { and, inArray, isNull } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import { findNewestBase, type Policy } from '../policies/policies';
import { pairs, preferences, samples } from '../schema/labels';
import { all, change, type Steps, type Transaction } from '../transaction';
import { type ImportedAnswer, idsOf } from './import-checks';
import { bringIn, type ImportSource, type Place, storePeople } from './import-rows';

const answersPerTransaction = 25;

/** The base policy to which a pipeline's imported images are kept. Throws 'not-found'. */
export async function baseForImport(pipeline: string): Promise<Policy> {
  const base = await findNewestBase(pipeline);
  if (base) return base;
  throw new AppError(
    'not-found',
    `There is no policy of the pipeline ${pipeline} yet. Add it: npm run policy:import -- FOLDER --name NAME, then import again.`,
  );
}

/**
 * Stores answers; `importProblems` has found none. @param putImages brings the images of the next
 * answers to the blob store
 */
export async function importAnswers(input: {
  pipeline: string;
  source: ImportSource;
  answers: readonly ImportedAnswer[];
  putImages: (answers: readonly ImportedAnswer[]) => Promise<void>;
}): Promise<{ added: number; known: number }> {
  const { pipeline, source, answers, putImages } = input;
  const idsIn = (one: ImportedAnswer) => idsOf(pipeline, one);
  return bringIn({
    base: await baseForImport(pipeline),
    source,
    holds: {
      answers: answers.length,
      people: new Set(answers.map((one) => idsIn(one).person)).size,
    },
    items: answers,
    atOnce: answersPerTransaction,
    putImages,
    fresh: (tx, some) =>
      freshOf(
        tx,
        some.map((one) => ({ ...one, ids: idsIn(one) })),
      ),
    store: storeAnswers,
  });
}

type NamedAnswer = ImportedAnswer & { ids: ReturnType<typeof idsOf> };

/** Answers that are not stored, each once. */
function* freshOf(tx: Transaction, answers: readonly NamedAnswer[]): Steps<NamedAnswer[]> {
  const standingFor = (pairId: string, annotatorId: string) => `${pairId} ${annotatorId}`;
  const named = answers.map(({ ids }) => ids.preference);
  const judged = answers.map(({ ids }) => ids.pair);
  const byId = tx
    .select({ id: preferences.id })
    .from(preferences)
    .where(inArray(preferences.id, named));
  const byPair = tx
    .select({ pairId: preferences.pairId, annotatorId: preferences.annotatorId })
    .from(preferences)
    .where(and(inArray(preferences.pairId, judged), isNull(preferences.supersededAt)));
  const known = new Set((yield* all(byId)).map(({ id }) => id));
  const standing = new Set(
    (yield* all(byPair)).map((row) => standingFor(row.pairId, row.annotatorId)),
  );
  return answers.filter(({ ids: { preference, pair, person } }) => {
    const own = standingFor(pair, person);
    const isFresh = !known.has(preference) && !standing.has(own);
    known.add(preference);
    standing.add(own);
    return isFresh;
  });
}

/**
 * Rows of each table in one statement: every process waits for this lock. Returns how many answers
 * and images are new.
 */
function* storeAnswers(
  tx: Transaction,
  answers: readonly NamedAnswer[],
  { importId, base, now }: Place,
): Steps<{ answers: number; images: number }> {
  if (answers.length === 0) return { answers: 0, images: 0 };
  const ofBoth = answers.flatMap((one) =>
    (['left', 'right'] as const).map((side) => ({
      id: one.ids[side],
      policyId: base.id,
      importId,
      prompt: one.caption,
      seed: 0,
      noiseSeed: 0,
      ...one[side],
      purpose: 'training' as const,
      createdAt: now,
    })),
  );
  const { changes: images } = yield* change(
    tx.insert(samples).values(ofBoth).onConflictDoNothing(),
  );
  const compared = answers.map(({ ids, caption }) => ({
    id: ids.pair,
    importId,
    prompt: caption,
    sampleAId: ids.left,
    sampleBId: ids.right,
    sharedNoise: false,
    purpose: 'training' as const,
    target: 1,
    state: 'complete' as const,
    createdAt: now,
  }));
  yield* change(tx.insert(pairs).values(compared).onConflictDoNothing());
  yield* storePeople(
    tx,
    answers.map(({ ids, userId }) => ({ id: ids.person, userId })),
    now,
  );
  const given = answers.map(({ ids, answer, createdAt, decisionMs }) => ({
    id: ids.preference,
    pairId: ids.pair,
    annotatorId: ids.person,
    leaseId: ids.preference,
    importId,
    answer,
    leftSampleId: ids.left,
    rightSampleId: ids.right,
    policyId: base.id,
    purpose: 'training' as const,
    shownAtMs: (createdAt ?? now) - decisionMs,
    decidedAtMs: createdAt ?? now,
    decisionMs,
    createdAt: Math.min(createdAt ?? now, now),
  }));
  yield* change(tx.insert(preferences).values(given));
  return { answers: answers.length, images };
}
