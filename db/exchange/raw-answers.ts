/**
 * @file Answers with all that is known of how they came about: what each person was shown, when,
 * and from which noise the images were drawn.
 */
import { eq, inArray } from 'drizzle-orm';
import type { PickAPicRow } from '@/lib/exchange/pick-a-pic';
import type { RunConfig } from '@/lib/settings/run-config';
import { db } from '../client';
import { alias } from '../dialect';
import { portions } from '../portions';
import { pairs, preferences, samples } from '../schema/labels';
import { policies } from '../schema/policies';
import { rounds } from '../schema/rounds';
import { type ExportChoice, exportPreferences } from './exports';

interface DrawnImage {
  sampleId: string;
  /** Of the step noise, and of x_T; null where the image was imported. */
  seed: number | null;
  noiseSeed: number | null;
  /** Names the weights that drew it; null where it was imported. */
  policyHash: string | null;
  trajectoryBlob: string | null;
}

export interface RawAnswer {
  answer: PickAPicRow;
  pairId: string;
  /** One of both. */
  roundId: string | null;
  importId: string | null;
  sharedNoise: boolean;
  /** The person's own clock, ms. */
  shownAt: number;
  decidedAt: number;
  guidelinesVersion: number | null;
  /** Image 0, image 1: left, right. */
  images: readonly [DrawnImage, DrawnImage];
}

/** In the order of their ids. */
export async function* exportRawAnswers(choice: ExportChoice = {}): AsyncGenerator<RawAnswer> {
  for await (const answer of exportPreferences(choice)) yield rawAnswerOf(answer);
}

function rawAnswerOf(answer: PickAPicRow): RawAnswer {
  const sides = ['left', 'right'].map((side) => ({
    sample: alias(samples, `${side}_sample`),
    policy: alias(policies, `${side}_policy`),
  }));
  const [left, right] = sides as [(typeof sides)[0], (typeof sides)[0]];
  const shown = ({ sample, policy }: typeof left) => ({
    sampleId: sample.id,
    seed: sample.seed,
    noiseSeed: sample.noiseSeed,
    origin: sample.origin,
    policyHash: policy.hash,
    trajectoryBlob: sample.trajectoryBlob,
  });
  const row = db()
    .select({ preference: preferences, pair: pairs, left: shown(left), right: shown(right) })
    .from(preferences)
    .innerJoin(pairs, eq(pairs.id, preferences.pairId))
    .innerJoin(left.sample, eq(left.sample.id, preferences.leftSampleId))
    .innerJoin(right.sample, eq(right.sample.id, preferences.rightSampleId))
    .innerJoin(left.policy, eq(left.policy.id, left.sample.policyId))
    .innerJoin(right.policy, eq(right.policy.id, right.sample.policyId))
    .where(eq(preferences.id, answer.answer_id))
    .get()!;
  const { preference, pair } = row;
  const drawn = ({ origin, ...image }: (typeof row)['left']): DrawnImage =>
    origin === null ? image : { ...image, seed: null, noiseSeed: null, policyHash: null };
  return {
    answer,
    pairId: pair.id,
    roundId: pair.roundId,
    importId: preference.importId,
    sharedNoise: pair.sharedNoise,
    shownAt: preference.shownAtMs,
    decidedAt: preference.decidedAtMs,
    guidelinesVersion: preference.guidelinesVersion,
    images: [drawn(row.left), drawn(row.right)],
  };
}

/** What a datasheet says of a set, as it is counted. */
export interface Facts {
  /** By answer. */
  answers: Map<string, number>;
  people: number;
  prompts: number;
  pairs: number;
  /** Of the answers, ms; null where there are none. */
  firstAt: number | null;
  lastAt: number | null;
  images: number;
  imported: number;
  withLatents: number;
  /** What drew the images, and how. */
  models: Map<string, number>;
  samplers: Pick<RunConfig['sampling'], 'inferenceSteps' | 'eta' | 'guidanceScale'>[];
}

/** Counts what `exportRawAnswers` gives for the same choice. */
export async function factsOf(choice: ExportChoice): Promise<Facts> {
  const [answers, models] = [new Map<string, number>(), new Map<string, number>()];
  const [people, prompts, judged] = [new Set<number>(), new Set<string>(), new Set<string>()];
  const images = new Map<string, { isImported: boolean; hasLatents: boolean }>();
  const drawnIn = new Set<string>();
  let [firstAt, lastAt]: [number | null, number | null] = [null, null];
  for await (const raw of exportRawAnswers(choice)) {
    const { answer } = raw;
    add(answers, answer.answer);
    people.add(answer.user_id);
    prompts.add(answer.caption);
    judged.add(raw.pairId);
    firstAt = Math.min(firstAt ?? answer.created_at_ms, answer.created_at_ms);
    lastAt = Math.max(lastAt ?? answer.created_at_ms, answer.created_at_ms);
    for (const [side, image] of raw.images.entries()) {
      const isImported = image.policyHash === null;
      if (!isImported && raw.roundId !== null) drawnIn.add(raw.roundId);
      if (images.has(image.sampleId)) continue;
      images.set(image.sampleId, { isImported, hasLatents: image.trajectoryBlob !== null });
      add(models, side === 0 ? answer.model_0 : answer.model_1);
    }
  }
  const all = [...images.values()];
  return {
    answers,
    people: people.size,
    prompts: prompts.size,
    pairs: judged.size,
    firstAt,
    lastAt,
    images: images.size,
    imported: all.filter(({ isImported }) => isImported).length,
    withLatents: all.filter(({ hasLatents }) => hasLatents).length,
    models,
    samplers: samplersOf([...drawnIn]),
  };
}

function samplersOf(roundIds: readonly string[]): Facts['samplers'] {
  const told = [...portions(roundIds)].flatMap((ids) =>
    db()
      .select({ config: rounds.config })
      .from(rounds)
      .where(inArray(rounds.id, ids))
      .all()
      .map(({ config: { sampling } }) => {
        const { inferenceSteps, eta, guidanceScale } = sampling;
        return JSON.stringify({ inferenceSteps, eta, guidanceScale });
      }),
  );
  return [...new Set(told)].sort().map((one) => JSON.parse(one));
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
