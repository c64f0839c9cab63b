/**
 * @file The round that holds what was imported to a pipeline: it is done and was never drawn.
 */
import { eq } from 'drizzle-orm';
import { parseRunConfig } from '@/lib/settings/run-config';
import { derivedId } from '../ids';
import { placeholderEmail } from '../people/users';
import type { Policy } from '../policies/policies';
import { announceRound } from '../rounds/decisions';
import { importRunId } from '../rounds/import-run';
import { user } from '../schema/people';
import { rounds, runs } from '../schema/rounds';
import { change, one, type Steps, type Transaction } from '../transaction';

/** What answers came in; kept in the round's manifest. */
export interface ImportSource {
  file: string;
  sha256: string;
}

/** The round that holds a pipeline's imported answers, made on first need. */
export function* importRoundIn(tx: Transaction, base: Policy, now: number): Steps<string> {
  const { pipeline } = base;
  const [runId, roundId] = [importRunId(pipeline), derivedId('imports', pipeline, 'round')];
  // It draws nothing, but a configuration has prompts.
  const prompts = ['imported'];
  const config = parseRunConfig({
    prompts,
    evaluationPrompts: prompts,
    labeling: { undoWindowSeconds: 0 },
  });
  yield* change(
    tx
      .insert(runs)
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
      .onConflictDoNothing(),
  );
  yield* change(
    tx
      .insert(rounds)
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
      .onConflictDoNothing(),
  );
  return roundId;
}

/** Adds to the round's counts, and notes in its manifest what came from where. */
export function* noteSource(
  tx: Transaction,
  roundId: string,
  source: ImportSource,
  added: { answers: number; images: number },
  now: number,
): Steps<void> {
  const round = (yield* one(tx.select().from(rounds).where(eq(rounds.id, roundId))))!;
  const images = round.progress.sampled + added.images;
  const answers = round.progress.labeled + added.answers;
  const others = importsOf(round).filter(({ sha256 }) => sha256 !== source.sha256);
  const before = importsOf(round).find(({ sha256 }) => sha256 === source.sha256)?.answers ?? 0;
  const noted = yield* one(
    tx
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
      .returning(),
  );
  yield* announceRound(tx, noted, now);
}

function importsOf({ manifest }: typeof rounds.$inferSelect) {
  return (manifest?.imports ?? []) as (ImportSource & { answers: number })[];
}

/** Accounts of those who answered elsewhere. @param userId what their file calls them */
export function* storePeople(
  tx: Transaction,
  people: readonly { id: string; userId: string | null }[],
  now: number,
): Steps<void> {
  const joined = new Date(now);
  const rows = people.map(({ id, userId }) => ({
    id,
    name: userId === null ? 'Imported' : `Imported ${shortened(userId)}`,
    email: placeholderEmail(),
    imported: true,
    role: 'annotator' as const,
    createdAt: joined,
    updatedAt: joined,
  }));
  yield* change(tx.insert(user).values(rows).onConflictDoNothing());
}

/**
 * Hashes and UUIDs say who somebody is by their beginning; what a person would read is left whole.
 */
function shortened(userId: string): string {
  return userId.length > 24 ? userId.slice(0, 8) : userId;
}
