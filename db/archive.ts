/**
 * @file What all people have said of a pipeline's images, in whatever round or by import; and frozen as what one round trains
 * on, in the transaction that opens the round (only round-decisions.ts calls that).
 */
import { and, asc, eq, inArray, ne, type SQL } from 'drizzle-orm';
import { type ArchiveData, archiveProblem, type ImageVotes, labelOf } from '@/lib/archive';
import { baseIdIn } from './policies';
import { flags, groups, pairs, samples, trainingLabels } from './schema/labels';
import { user } from './schema/people';
import { policies } from './schema/policies';
import { rounds, runs } from './schema/rounds';
import {
  membersIn,
  pairsOfAnswers,
  pairsOfTaggings,
  preferredIn,
  type StandingAnswer,
  type StandingTagging,
  standingAnswersIn,
  standingTaggingsIn,
} from './standing-answers';
import { storeTrainingPairs, type TrainingData } from './training-data';
import type { Transaction } from './transaction';

type Run = typeof runs.$inferSelect;
type Round = typeof rounds.$inferSelect;

/** What counts, and what was left out of it. */
export interface Archive {
  answers: StandingAnswer[];
  taggings: StandingTagging[];
  /** Flagged samples with who flagged them. */
  flags: { sampleId: string; annotatorId: string }[];
  standing: number;
  tooYoung: number;
  heldBack: number;
  rounds: number;
}

/**
 * Freezes what a round of Diffusion-DPO or KTO trains on: standing answers and taggings to the training pairs and groups of
 * its pipeline that are older than the undo window of the round they were given in, and for KTO also people's flags; nothing
 * by people who are paused. `problem` says why there is nothing to train on.
 */
export function freezeArchive(
  tx: Transaction,
  round: Round,
  run: Run,
  now: number,
): { data: TrainingData; problem: string | null } {
  const archive = readArchive(tx, run.pipeline, now);
  const frozen =
    run.method === 'kto' ? freezeLabels(tx, round, archive) : freezePairs(tx, round, archive, now);
  const { answers, taggings } = archive;
  const ties = answers.filter(({ preference }) => preference.answer === 'tie').length;
  const bothBad = answers.filter(({ preference }) => preference.answer === 'both-bad').length;
  const counted = answers.length + taggings.length;
  const silent = run.method === 'kto' ? ties : ties + bothBad;
  const people = [
    ...answers.map(({ preference }) => preference),
    ...taggings.map((t) => t.tagging),
  ];
  const data = {
    answers: archive.standing,
    used: frozen.used,
    tooYoung: archive.tooYoung,
    heldBack: archive.heldBack,
    undecided: counted - frozen.used,
    trainingPairs: frozen.pairs,
    until: now,
    archive: {
      rounds: archive.rounds,
      annotators: new Set([...people, ...archive.flags].map((row) => row.annotatorId)).size,
      ties,
      bothBad,
      atOdds: counted - frozen.used - silent,
      flags: archive.flags.length,
      ...imagesIn(tx, frozen.sampleIds, round.startPolicyId),
      ...(frozen.labels && { labels: frozen.labels }),
    } satisfies ArchiveData,
  };
  return { data, problem: archiveProblem(data) };
}

/** What people have said of a pipeline's images and can no longer take back at `now` (ms). */
export function readArchive(tx: Transaction, pipeline: string, now: number): Archive {
  const own = tx
    .select({ id: rounds.id, config: rounds.config })
    .from(rounds)
    .innerJoin(runs, eq(runs.id, rounds.runId))
    .where(eq(runs.pipeline, pipeline))
    .all();
  const until = new Map(
    own.map(({ id, config }) => [id, now - config.labeling.undoWindowSeconds * 1000]),
  );
  const isSettled = (roundId: string | null, createdAt: number) =>
    createdAt <= (until.get(roundId ?? '') ?? now);
  const ofPipeline = tx
    .select({ id: rounds.id })
    .from(rounds)
    .innerJoin(runs, eq(runs.id, rounds.runId))
    .where(eq(runs.pipeline, pipeline));
  const answers = standingAnswersIn(tx, inArray(pairs.roundId, ofPipeline));
  const taggings = standingTaggingsIn(tx, inArray(groups.roundId, ofPipeline));
  const settledAnswers = answers.filter((row) =>
    isSettled(row.pair.roundId, row.preference.createdAt),
  );
  const settledTaggings = taggings.filter((row) => isSettled(row.roundId, row.tagging.createdAt));
  const countedAnswers = settledAnswers.filter(({ pausedAt }) => pausedAt === null);
  const countedTaggings = settledTaggings.filter(({ pausedAt }) => pausedAt === null);
  const standing = answers.length + taggings.length;
  const settled = settledAnswers.length + settledTaggings.length;
  const rows = [...countedAnswers.map(({ pair }) => pair), ...countedTaggings];
  return {
    answers: countedAnswers,
    taggings: countedTaggings,
    flags: flagsIn(tx, eq(policies.pipeline, pipeline)).filter(
      (flag) => flag.pausedAt === null && isSettled(flag.roundId, flag.createdAt),
    ),
    standing,
    tooYoung: standing - settled,
    heldBack: settled - countedAnswers.length - countedTaggings.length,
    rounds: new Set(rows.map(({ roundId }) => roundId)).size,
  };
}

/** People's flags on training images, without those that a review has rejected. */
function flagsIn(tx: Transaction, which: SQL) {
  return tx
    .select({
      sampleId: flags.sampleId,
      annotatorId: user.id,
      pausedAt: user.pausedAt,
      roundId: samples.roundId,
      createdAt: flags.createdAt,
    })
    .from(flags)
    .innerJoin(user, eq(user.id, flags.annotatorId))
    .innerJoin(samples, eq(samples.id, flags.sampleId))
    .innerJoin(policies, eq(policies.id, samples.policyId))
    .where(
      and(
        which,
        eq(flags.source, 'annotator'),
        ne(flags.state, 'rejected'),
        eq(samples.purpose, 'training'),
      ),
    )
    .orderBy(asc(flags.sampleId), asc(flags.id))
    .all();
}

interface Frozen {
  pairs: number;
  used: number;
  sampleIds: string[];
  labels?: { good: number; bad: number };
}

function freezePairs(
  tx: Transaction,
  round: Round,
  { answers, taggings }: Archive,
  until: number,
): Frozen {
  const weighting = round.config['diffusion-dpo'].agreementWeighting;
  const answered = pairsOfAnswers(answers, weighting);
  const tagged = pairsOfTaggings(tx, taggings, weighting);
  const frozen = [...answered.frozen, ...tagged.frozen];
  storeTrainingPairs(tx, round, frozen, until);
  return {
    pairs: frozen.length,
    used: answered.used + tagged.used,
    sampleIds: frozen.flatMap(({ winnerSampleId, loserSampleId }) => [
      winnerSampleId,
      loserSampleId,
    ]),
  };
}

function freezeLabels(tx: Transaction, round: Round, archive: Archive): Frozen {
  const votes = votesIn(tx, archive);
  const labeled = [...votes.keys()].sort().flatMap((sampleId) => {
    const label = labelOf(votes.get(sampleId)!);
    return label ? [{ sampleId, good: label === 'good' }] : [];
  });
  labeled.forEach((label, ordinal) => {
    tx.insert(trainingLabels)
      .values({ roundId: round.id, ordinal, ...label })
      .run();
  });
  const good = labeled.filter((label) => label.good).length;
  const ties = archive.answers.filter(({ preference }) => preference.answer === 'tie').length;
  return {
    pairs: 0,
    used: archive.answers.length + archive.taggings.length - ties,
    sampleIds: labeled.map(({ sampleId }) => sampleId),
    labels: { good, bad: labeled.length - good },
  };
}

/** What people said of each image by itself. */
export function votesIn(tx: Transaction, archive: Archive): Map<string, ImageVotes> {
  const votes = new Map<string, ImageVotes>();
  const vote = (sampleId: string, kind: keyof ImageVotes) => {
    const known = votes.get(sampleId) ?? { bad: 0, good: 0 };
    votes.set(sampleId, { ...known, [kind]: known[kind] + 1 });
  };
  for (const answer of archive.answers) {
    const { leftSampleId, rightSampleId } = answer.preference;
    const winner = preferredIn(answer);
    if (winner) vote(winner, 'good');
    if (answer.preference.answer === 'both-bad') {
      vote(leftSampleId, 'bad');
      vote(rightSampleId, 'bad');
    }
  }
  for (const { tagging } of archive.taggings) {
    for (const member of membersIn(tx, tagging.groupId)) {
      vote(member, tagging.taggedSampleIds.includes(member) ? 'bad' : 'good');
    }
  }
  for (const { sampleId } of archive.flags) vote(sampleId, 'bad');
  return votes;
}

/** How many images, of them imported, and without latents that belong to the round's pipeline as it is now. */
function imagesIn(tx: Transaction, sampleIds: readonly string[], startPolicyId: string) {
  const base = baseIdIn(tx, startPolicyId);
  const bases = new Map<string, string>();
  const counts = { images: 0, imported: 0, encoded: 0 };
  for (const id of new Set(sampleIds)) {
    const { policyId, origin, trajectoryBlob } = tx
      .select()
      .from(samples)
      .where(eq(samples.id, id))
      .get()!;
    if (!bases.has(policyId)) bases.set(policyId, baseIdIn(tx, policyId));
    counts.images++;
    if (origin !== null) counts.imported++;
    if (trajectoryBlob === null || bases.get(policyId) !== base) counts.encoded++;
  }
  return counts;
}
