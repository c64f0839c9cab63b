/**
 * @file What all people have said of a pipeline's images, in whatever round or by import; and what
 * of it one round trains on.
 */
import { and, asc, eq, gt, inArray, ne, sql } from 'drizzle-orm';
import { sizeName } from '@/lib/drawings';
import { type Method, trainsBy } from '@/lib/methods';
import { isFinished } from '@/lib/rounds';
import type { RunConfig } from '@/lib/settings/run-config';
import { type ArchiveData, archiveProblem, type ImageVotes, labelOf } from '@/lib/training/archive';
import type { Weighting } from '@/lib/training/pairing';
import { db } from '../client';
import { breathe, portions } from '../portions';
import { imports } from '../schema/imports';
import { flags, samples } from '../schema/labels';
import { user } from '../schema/people';
import { policies } from '../schema/policies';
import { rounds, runs } from '../schema/rounds';
import { read } from '../transaction';
import { markIn } from './frozen-mark';
import {
  type Members,
  membersOf,
  pairsOfAnswers,
  pairsOfTaggings,
  preferredIn,
  type StandingAnswer,
  type StandingTagging,
  standingAnswersOf,
  standingTaggingsOf,
} from './standing-answers';
import { doubted, type LabelRow, type PairRow, type Prepared } from './training-data';

const flagsPerRead = 2000;

/** What counts, and what was left out of it. */
export interface Archive {
  answers: StandingAnswer[];
  taggings: StandingTagging[];
  /** Images of the groups that were tagged. */
  members: Members;
  /** Flagged samples with who flagged them. */
  flags: { sampleId: string; annotatorId: string }[];
  standing: number;
  tooYoung: number;
  heldBack: number;
  /** How many of each hold what counts. */
  rounds: number;
  imports: number;
}

/** What asks for an archive: a round that is opened, or is about to be. */
export interface ArchiveAsked {
  pipeline: string;
  method: Method;
  config: RunConfig;
  startPolicyId: string;
  now: number;
}

/**
 * What a round of Diffusion-DPO or KTO trains on: standing answers and taggings to the training
 * pairs and groups of its pipeline, imported ones too, that are older than the undo window of the
 * round they were given in, and for KTO also people's flags; nothing by people who are paused.
 * `archiveProblem` of its data says why there is nothing to train on.
 */
export async function prepareArchive(asked: ArchiveAsked): Promise<Prepared> {
  const { pipeline, method, config, startPolicyId, now } = asked;
  const takesImages = trainsBy(method, 'finished-images');
  const markedBy = { until: undoableUntil(pipeline, now), since: Date.now(), withFlags: false };
  if (takesImages) Object.assign(markedBy, { until: now, withFlags: true });
  const mark = await read(markIn(db(), markedBy));
  const archive = await readArchive(pipeline, now, config);
  const frozen = await (trainsBy(method, 'finished-pairs')
    ? pairsOf(archive, config[method].agreementWeighting, config, now)
    : labelsOf(archive));
  const { answers, taggings } = archive;
  const ties = answers.filter(({ preference }) => preference.answer === 'tie').length;
  const bothBad = answers.filter(({ preference }) => preference.answer === 'both-bad').length;
  const counted = answers.length + taggings.length;
  const silent = takesImages ? ties : ties + bothBad;
  const people = [
    ...answers.map(({ preference }) => preference),
    ...taggings.map((t) => t.tagging),
    ...archive.flags,
  ];
  const data = {
    answers: archive.standing,
    used: frozen.used,
    tooYoung: archive.tooYoung,
    heldBack: archive.heldBack,
    undecided: counted - frozen.used,
    trainingPairs: frozen.pairs.length,
    until: now,
    archive: {
      rounds: archive.rounds,
      imports: archive.imports,
      annotators: new Set(people.map((row) => row.annotatorId)).size,
      ties,
      bothBad,
      atOdds: counted - frozen.used - silent,
      flags: archive.flags.length,
      ...(await imagesOf(frozen.sampleIds, startPolicyId)),
      ...(frozen.counts && { labels: frozen.counts }),
    } satisfies ArchiveData,
  };
  return { pairs: frozen.pairs, labels: frozen.labels, data, mark, markedBy };
}

/** Why there is nothing to train on; null where there is. */
export function problemOf({ archive, ...data }: Prepared['data']): string | null {
  return archive ? archiveProblem({ ...data, archive }) : null;
}

/**
 * The youngest answer that counts and whose round still takes answers, and so lets them be taken
 * back; 0: there is none.
 */
function undoableUntil(pipeline: string, now: number): number {
  const windows = roundsOf(pipeline)
    .filter(({ state }) => !isFinished(state))
    .map(({ config }) => config.labeling.undoWindowSeconds * 1000);
  return windows.length === 0 ? 0 : now - Math.min(...windows);
}

function roundsOf(pipeline: string) {
  return db()
    .select({ id: rounds.id, state: rounds.state, config: rounds.config })
    .from(rounds)
    .innerJoin(runs, eq(runs.id, rounds.runId))
    .where(eq(runs.pipeline, pipeline))
    .orderBy(asc(rounds.createdAt), asc(rounds.id))
    .all();
}

function importsOf(pipeline: string): string[] {
  return db()
    .select({ id: imports.id })
    .from(imports)
    .where(eq(imports.pipeline, pipeline))
    .orderBy(asc(imports.createdAt), asc(imports.id))
    .all()
    .map(({ id }) => id);
}

function distinct(ids: readonly (string | null)[]): number {
  return new Set(ids.filter((id) => id !== null)).size;
}

/**
 * What people have said of a pipeline's images and can no longer take back at `now` (ms).
 * @param of left out: images of every size; else of that which a run of this configuration draws
 */
export async function readArchive(
  pipeline: string,
  now: number,
  of?: Pick<RunConfig, 'sampling'>,
): Promise<Archive> {
  const all = roundsOf(pipeline);
  const own = of ? all.filter(({ config }) => sizeName(config) === sizeName(of)) : all;
  // What was imported was fitted to the pipeline's own size.
  const takesImports = !of || sizeName(of) === null;
  const until = new Map(
    own.map(({ id, config }) => [id, now - config.labeling.undoWindowSeconds * 1000]),
  );
  // Nobody takes back here what was imported.
  const isSettled = (roundId: string | null, createdAt: number) =>
    createdAt <= (until.get(roundId ?? '') ?? now);
  const answeredIn = {
    rounds: own.map(({ id }) => id),
    imports: takesImports ? importsOf(pipeline) : [],
  };
  const answers = await standingAnswersOf(answeredIn);
  const taggings = await standingTaggingsOf(answeredIn);
  const settledAnswers = answers.filter((row) =>
    isSettled(row.pair.roundId, row.preference.createdAt),
  );
  const settledTaggings = taggings.filter((row) => isSettled(row.roundId, row.tagging.createdAt));
  const countedAnswers = settledAnswers.filter(({ pausedAt }) => pausedAt === null);
  const countedTaggings = settledTaggings.filter(({ pausedAt }) => pausedAt === null);
  const standing = answers.length + taggings.length;
  const settled = settledAnswers.length + settledTaggings.length;
  return {
    answers: countedAnswers,
    taggings: countedTaggings,
    members: await membersOf(countedTaggings),
    flags: (await flagsOf(pipeline)).filter(
      ({ pausedAt, roundId, createdAt }) =>
        pausedAt === null &&
        (roundId === null ? takesImports : until.has(roundId)) &&
        isSettled(roundId, createdAt),
    ),
    standing,
    tooYoung: standing - settled,
    heldBack: settled - countedAnswers.length - countedTaggings.length,
    rounds: distinct([
      ...countedAnswers.map(({ pair }) => pair.roundId),
      ...countedTaggings.map(({ roundId }) => roundId),
    ]),
    imports: distinct([
      ...countedAnswers.map(({ preference }) => preference.importId),
      ...countedTaggings.map(({ tagging }) => tagging.importId),
    ]),
  };
}

/** People's flags on training images, without those that a review has rejected. */
async function flagsOf(pipeline: string) {
  const found: FlagRow[] = [];
  for (let after = ''; ; ) {
    const rows = flagsAfter(pipeline, after);
    found.push(...rows);
    if (rows.length < flagsPerRead) break;
    after = (rows.at(-1) as FlagRow).id;
    await breathe();
  }
  return found;
}

type FlagRow = ReturnType<typeof flagsAfter>[number];

/** @param after id of the last flag seen */
function flagsAfter(pipeline: string, after: string) {
  return db()
    .select({
      id: flags.id,
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
        gt(flags.id, after),
        eq(policies.pipeline, pipeline),
        // A literal, so that the index of people's flags serves.
        sql`${flags.source} = 'annotator'`,
        ne(flags.state, 'rejected'),
        eq(samples.purpose, 'training'),
      ),
    )
    .orderBy(asc(flags.id))
    .limit(flagsPerRead)
    .all();
}

interface Frozen {
  pairs: PairRow[];
  labels: LabelRow[];
  used: number;
  sampleIds: string[];
  counts?: { good: number; bad: number };
}

async function pairsOf(
  { answers, taggings, members }: Archive,
  weighting: Weighting,
  config: RunConfig,
  until: number,
): Promise<Frozen> {
  const answered = pairsOfAnswers(answers, weighting);
  const tagged = pairsOfTaggings(taggings, members, weighting);
  const frozen = [...answered.frozen, ...tagged.frozen];
  return {
    pairs: await doubted(frozen, config, until),
    labels: [],
    used: answered.used + tagged.used,
    sampleIds: frozen.flatMap(({ winnerSampleId, loserSampleId }) => [
      winnerSampleId,
      loserSampleId,
    ]),
  };
}

async function labelsOf(archive: Archive): Promise<Frozen> {
  const votes = votesIn(archive);
  const labels = [...votes.keys()].sort().flatMap((sampleId) => {
    const label = labelOf(votes.get(sampleId)!);
    return label ? [{ sampleId, good: label === 'good' }] : [];
  });
  const good = labels.filter((label) => label.good).length;
  const ties = archive.answers.filter(({ preference }) => preference.answer === 'tie').length;
  return {
    pairs: [],
    labels,
    used: archive.answers.length + archive.taggings.length - ties,
    sampleIds: labels.map(({ sampleId }) => sampleId),
    counts: { good, bad: labels.length - good },
  };
}

/** What people said of each image by itself. */
export function votesIn(archive: Archive): Map<string, ImageVotes> {
  const votes = new Map<string, ImageVotes>();
  const vote = (sampleId: string, kind: keyof ImageVotes) => {
    const known = votes.get(sampleId);
    if (known) known[kind]++;
    else votes.set(sampleId, { bad: 0, good: 0, [kind]: 1 });
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
    for (const member of archive.members.get(tagging.groupId) ?? []) {
      vote(member, tagging.taggedSampleIds.includes(member) ? 'bad' : 'good');
    }
  }
  for (const { sampleId } of archive.flags) vote(sampleId, 'bad');
  return votes;
}

/** The base policy that each policy descends from, itself where it is one. */
function baseIds(): Map<string, string> {
  const bases = new Map<string, string>();
  const all = db()
    .select({ id: policies.id, parentId: policies.parentId })
    .from(policies)
    .orderBy(asc(policies.createdAt))
    .all();
  const parents = new Map(all.map(({ id, parentId }) => [id, parentId]));
  for (const { id } of all) {
    let base = id;
    // Parents come first, as a rule, and are known.
    for (let parent = parents.get(id); parent; parent = parents.get(parent)) {
      base = bases.get(parent) ?? parent;
      if (bases.has(parent)) break;
    }
    bases.set(id, base);
  }
  return bases;
}

/**
 * How many images, of them imported, and without latents that belong to the round's pipeline as it
 * is now.
 */
async function imagesOf(sampleIds: readonly string[], startPolicyId: string) {
  const bases = baseIds();
  const base = bases.get(startPolicyId);
  const counts = { images: 0, imported: 0, encoded: 0 };
  for (const ids of portions([...new Set(sampleIds)])) {
    const rows = db()
      .select({
        policyId: samples.policyId,
        origin: samples.origin,
        trajectoryBlob: samples.trajectoryBlob,
      })
      .from(samples)
      .where(inArray(samples.id, ids))
      .all();
    for (const { policyId, origin, trajectoryBlob } of rows) {
      counts.images++;
      if (origin !== null) counts.imported++;
      if (trajectoryBlob === null || bases.get(policyId) !== base) counts.encoded++;
    }
    await breathe();
  }
  return counts;
}
