import { randomBytes } from 'node:crypto';
import {
  and,
  asc,
  type Column,
  count,
  countDistinct,
  eq,
  gt,
  inArray,
  isNull,
  lte,
  or,
  type SQL,
  sql,
} from 'drizzle-orm';
import { type PickAPicRow, toPickAPic } from '@/lib/exchange/pick-a-pic';
import { db } from '../client';
import { alias } from '../dialect';
import { derivedNumber } from '../ids';
import { pairs, preferences, samples } from '../schema/labels';
import { user } from '../schema/people';
import { policies } from '../schema/policies';
import { settingOrCreate } from '../settings';

const pageSize = 1000;

/** Of an imported image what it came with, else the policy. */
function drawnBy(sample: { origin: Column }, policy: { name: Column }) {
  return sql<string>`coalesce(${sample.origin}, ${policy.name})`;
}

export interface ExportChoice {
  /** Of this round, or this import, only. */
  roundId?: string | undefined;
  importId?: string | undefined;
  /** Also answers to gold pairs, whose better image was known before. */
  gold?: boolean;
  /** Also answers by people whose answers are held back from training. */
  heldBack?: boolean;
  /** As all stood at this moment, ms; else as it stands. */
  until?: number;
  /** Only answers that prefer one of the images. */
  decidedOnly?: boolean;
  /** From what stands behind this one on. */
  after?: string | undefined;
}

/**
 * Every standing answer that may be trained on, and others when asked for, in Pick-a-Pic's columns,
 * in the order of their ids: exporting the same data twice gives the same rows. Annotators'
 * pseudonyms hold within this installation and cannot be turned back without its database.
 */
export async function* exportPreferences(choice: ExportChoice = {}): AsyncGenerator<PickAPicRow> {
  const pseudonymOf = await pseudonyms();
  const left = alias(samples, 'left_sample');
  const right = alias(samples, 'right_sample');
  const leftPolicy = alias(policies, 'left_policy');
  const rightPolicy = alias(policies, 'right_policy');
  const { until = Date.now() } = choice;
  const wanted = wantedBy({ ...choice, until });
  const perPrompt = new Map(
    db()
      .select({ prompt: pairs.prompt, n: count() })
      .from(preferences)
      .innerJoin(pairs, eq(pairs.id, preferences.pairId))
      .innerJoin(user, eq(user.id, preferences.annotatorId))
      .where(wanted)
      .groupBy(pairs.prompt)
      .all()
      .map(({ prompt, n }) => [prompt, n]),
  );
  let { after = '' } = choice;
  for (;;) {
    const rows = db()
      .select({
        preference: preferences,
        prompt: pairs.prompt,
        pausedAt: user.pausedAt,
        left: { imageBlob: left.imageBlob, policy: drawnBy(left, leftPolicy) },
        right: { imageBlob: right.imageBlob, policy: drawnBy(right, rightPolicy) },
      })
      .from(preferences)
      .innerJoin(pairs, eq(pairs.id, preferences.pairId))
      .innerJoin(user, eq(user.id, preferences.annotatorId))
      .innerJoin(left, eq(left.id, preferences.leftSampleId))
      .innerJoin(right, eq(right.id, preferences.rightSampleId))
      .innerJoin(leftPolicy, eq(leftPolicy.id, left.policyId))
      .innerJoin(rightPolicy, eq(rightPolicy.id, right.policyId))
      .where(and(wanted, gt(preferences.id, after)))
      .orderBy(asc(preferences.id))
      .limit(pageSize)
      .all();
    for (const { preference, prompt, pausedAt, left, right } of rows) {
      yield toPickAPic({
        ...preference,
        rankingId: wholeNumber(preference.id),
        userId: pseudonymOf(preference.annotatorId),
        heldBack: pausedAt !== null && pausedAt <= until,
        prompt,
        left,
        right,
        answersToPrompt: perPrompt.get(prompt) ?? 0,
      });
    }
    const last = rows.at(-1);
    if (!last) return;
    after = last.preference.id;
  }
}

/** What annotators are called in exports: whole numbers that say nothing elsewhere. */
export async function pseudonyms(): Promise<(annotatorId: string) => number> {
  const salt = String(await settingOrCreate('exports.salt', () => randomBytes(16).toString('hex')));
  return (annotatorId) => derivedNumber(salt, annotatorId);
}

/** How many answers an export has, and how many different images they are about. */
export async function countExport(
  choice: ExportChoice = {},
): Promise<{ answers: number; images: number }> {
  const wanted = wantedBy(choice);
  const of = <Shown>(shown: SQL<Shown>) =>
    db()
      .select({ shown })
      .from(preferences)
      .innerJoin(pairs, eq(pairs.id, preferences.pairId))
      .innerJoin(user, eq(user.id, preferences.annotatorId))
      .where(wanted);
  const [counted] = of(count()).all();
  const sides = [preferences.leftSampleId, preferences.rightSampleId];
  const shown = sides.map((side) => inArray(samples.id, of(sql`${side}`)));
  const [different] = db()
    .select({ images: countDistinct(samples.imageBlob) })
    .from(samples)
    .where(or(...shown))
    .all();
  return { answers: counted!.shown, images: different!.images };
}

/** Which answers an export has, where they are joined to their pairs and people. */
export function wantedBy(choice: ExportChoice) {
  const {
    roundId,
    importId,
    gold = false,
    heldBack = false,
    until = Date.now(),
    decidedOnly,
  } = choice;
  return and(
    decidedOnly ? inArray(preferences.answer, ['left', 'right']) : undefined,
    lte(preferences.createdAt, until),
    or(isNull(preferences.supersededAt), gt(preferences.supersededAt, until)),
    inArray(pairs.purpose, gold ? ['training', 'gold'] : ['training']),
    heldBack ? undefined : or(isNull(user.pausedAt), gt(user.pausedAt, until)),
    roundId === undefined ? undefined : eq(pairs.roundId, roundId),
    importId === undefined ? undefined : eq(preferences.importId, importId),
  );
}

/** An answer's id as Pick-a-Pic has it: what it was imported under, if that was a number. */
function wholeNumber(id: string): number {
  return /^(?:0|[1-9]\d{0,14})$/.test(id) ? Number(id) : derivedNumber('ranking', id);
}
