/**
 * @file Answers given elsewhere, with their images: kept as samples, pairs and preferences of one round per pipeline, which
 * is done and was never drawn. All ids follow from what they name, so that importing again changes nothing.
 */
import { eq } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import { parseRunConfig } from '@/lib/settings/run-config';
import { recordAudit } from './audit';
import { db } from './client';
import { derivedId } from './ids';
import { type ImportedAnswer, idsOf, importRunId, standingOf } from './import-checks';
import { listPolicies, type Policy } from './policies';
import { announceRound } from './round-decisions';
import { pairs, preferences, samples } from './schema/labels';
import { user } from './schema/people';
import { rounds, runs } from './schema/rounds';
import { immediate, type Transaction } from './transaction';
import { placeholderEmail } from './users';

const answersPerTransaction = 200;

/** What answers came in; kept in the round's manifest. */
interface ImportSource {
  file: string;
  sha256: string;
}

/** The base policy to which a pipeline's imported images are kept. Throws 'not-found'. */
export async function baseForImport(pipeline: string): Promise<Policy> {
  const base = (await listPolicies(pipeline)).findLast(({ adapterBlob }) => adapterBlob === null);
  if (base) return base;
  throw new AppError(
    'not-found',
    `There is no policy of the pipeline ${pipeline} yet. Start Darkroom once with it, then import again.`,
  );
}

/**
 * Stores answers, some hundred in a transaction; `importProblems` has found none. What is stored already is left as it is: an
 * import that was stopped may be begun again. @param putImages brings the images of the next answers to the blob store
 */
export async function importAnswers(input: {
  pipeline: string;
  source: ImportSource;
  answers: readonly ImportedAnswer[];
  putImages: (answers: readonly ImportedAnswer[]) => Promise<void>;
}): Promise<{ added: number; known: number }> {
  const { pipeline, source, answers, putImages } = input;
  const base = await baseForImport(pipeline);
  const now = Date.now();
  const fresh = answers.filter((one) => !isKnown(db(), pipeline, one));
  let added = 0;
  for (let first = 0; first < fresh.length; first += answersPerTransaction) {
    const next = fresh.slice(first, first + answersPerTransaction);
    await putImages(next);
    await immediate((tx) => {
      const roundId = importRoundIn(tx, base, now);
      const stored = { answers: 0, images: 0 };
      for (const one of next) {
        // The same answer twice in one file.
        if (isKnown(tx, pipeline, one)) continue;
        stored.images += storeAnswer(tx, base, roundId, one, now);
        stored.answers++;
      }
      noteSource(tx, roundId, source, stored, now);
      added += stored.answers;
    });
  }
  return { added, known: answers.length - added };
}

function isKnown(tx: Transaction, pipeline: string, one: ImportedAnswer): boolean {
  const { preference, pair, person } = idsOf(pipeline, one);
  const byId = tx.select().from(preferences).where(eq(preferences.id, preference)).get();
  return Boolean(byId ?? tx.select().from(preferences).where(standingOf(pair, person)).get());
}

/** The round that holds a pipeline's imported answers, made on first need. */
function importRoundIn(tx: Transaction, base: Policy, now: number): string {
  const { pipeline } = base;
  const [runId, roundId] = [importRunId(pipeline), derivedId('imports', pipeline, 'round')];
  // It draws nothing, but a configuration has prompts.
  const prompts = ['imported'];
  const config = parseRunConfig({
    prompts,
    evaluationPrompts: prompts,
    labeling: { undoWindowSeconds: 0 },
  });
  tx.insert(runs)
    .values({
      id: runId,
      name: 'Imported answers',
      mode: 'single',
      method: 'diffusion-dpo',
      pipeline,
      config,
      status: 'done',
      createdBy: null,
      createdAt: now,
    })
    .onConflictDoNothing()
    .run();
  tx.insert(rounds)
    .values({
      id: roundId,
      runId,
      ordinal: 1,
      state: 'done',
      startPolicyId: base.id,
      config,
      progress: {
        sampled: 0,
        samplesWanted: 0,
        labeled: 0,
        preferencesWanted: 0,
        trainedSteps: 0,
        trainSteps: 0,
        evaluated: 0,
        evaluationsWanted: 0,
        etaSeconds: null,
      },
      manifest: { imports: [] },
      createdAt: now,
      startedAt: now,
      finishedAt: now,
    })
    .onConflictDoNothing()
    .run();
  return roundId;
}

/** Returns how many of its images are new. */
function storeAnswer(
  tx: Transaction,
  base: Policy,
  roundId: string,
  one: ImportedAnswer,
  now: number,
): number {
  const ids = idsOf(base.pipeline, one);
  const { caption: prompt } = one;
  const createdAt = one.createdAt ?? now;
  let images = 0;
  for (const side of ['left', 'right'] as const) {
    const { changes } = tx
      .insert(samples)
      .values({
        id: ids[side],
        policyId: base.id,
        roundId,
        prompt,
        seed: 0,
        noiseSeed: 0,
        ...one[side],
        purpose: 'training',
        createdAt: now,
      })
      .onConflictDoNothing()
      .run();
    images += changes;
  }
  tx.insert(pairs)
    .values({
      id: ids.pair,
      roundId,
      prompt,
      sampleAId: ids.left,
      sampleBId: ids.right,
      sharedNoise: false,
      purpose: 'training',
      target: 1,
      state: 'complete',
      createdAt: now,
    })
    .onConflictDoNothing()
    .run();
  const joined = new Date(now);
  tx.insert(user)
    .values({
      id: ids.person,
      name: one.userId === null ? 'Imported' : `Imported ${shortened(one.userId)}`,
      email: placeholderEmail(),
      imported: true,
      role: 'annotator',
      createdAt: joined,
      updatedAt: joined,
    })
    .onConflictDoNothing()
    .run();
  tx.insert(preferences)
    .values({
      id: ids.preference,
      pairId: ids.pair,
      annotatorId: ids.person,
      leaseId: ids.preference,
      answer: one.answer,
      leftSampleId: ids.left,
      rightSampleId: ids.right,
      policyId: base.id,
      purpose: 'training',
      shownAtMs: createdAt - one.decisionMs,
      decidedAtMs: createdAt,
      decisionMs: one.decisionMs,
      createdAt: Math.min(createdAt, now),
    })
    .run();
  return images;
}

/** Adds to the round's counts, and notes in its manifest what came from where. */
function noteSource(
  tx: Transaction,
  roundId: string,
  source: ImportSource,
  added: { answers: number; images: number },
  now: number,
): void {
  const round = tx.select().from(rounds).where(eq(rounds.id, roundId)).get()!;
  const images = round.progress.sampled + added.images;
  const answers = round.progress.labeled + added.answers;
  const others = importsOf(round).filter(({ sha256 }) => sha256 !== source.sha256);
  const before = importsOf(round).find(({ sha256 }) => sha256 === source.sha256)?.answers ?? 0;
  const noted = tx
    .update(rounds)
    .set({
      progress: {
        ...round.progress,
        sampled: images,
        samplesWanted: images,
        labeled: answers,
        preferencesWanted: answers,
      },
      manifest: { imports: [...others, { ...source, answers: before + added.answers }] },
    })
    .where(eq(rounds.id, roundId))
    .returning()
    .get();
  announceRound(tx, noted, now);
  const detail = { ...source, answers: added.answers };
  recordAudit(tx, { actorId: null, action: 'answers.import', subject: roundId, detail });
}

function importsOf({ manifest }: typeof rounds.$inferSelect) {
  return (manifest?.imports ?? []) as (ImportSource & { answers: number })[];
}

/** Hashes and UUIDs say who somebody is by their beginning; what a person would read is left whole. */
function shortened(userId: string): string {
  return userId.length > 24 ? userId.slice(0, 8) : userId;
}
