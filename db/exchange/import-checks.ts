/**
 * @file Answers given elsewhere, as an import brings them, and whether they contradict each other
 * or what is stored.
 */
import { and, eq, isNull } from 'drizzle-orm';
import { type Answer, preferredSample } from '@/lib/answers';
import { db } from '../client';
import { derivedId } from '../ids';
import { preferences, samples } from '../schema/labels';
import { one, read, type Steps, type Transaction } from '../transaction';

/** An image in the blob store. */
export interface ImportedImage {
  imageBlob: string;
  width: number;
  height: number;
  /** The model that drew it, as far as is known. */
  origin: string;
}

export interface ImportedAnswer {
  /** Where it stands in its file, for errors. */
  line: number;
  /** What the file calls the answer and the person; null where it does not say. */
  rankingId: string | null;
  userId: string | null;
  /**
   * Of a person without a name: 1 for the first row that says just this, 2 for the next that says
   * it again.
   */
  ordinal: number;
  caption: string;
  left: ImportedImage;
  right: ImportedImage;
  answer: Answer;
  /** Ms; null where the file does not say. */
  createdAt: number | null;
  decisionMs: number;
}

/** Why a row cannot be imported, as the end of a sentence about rows. */
export const importReasons = {
  'not-json': 'that are no JSON',
  columns: 'with columns that cannot be read',
  labels: 'with labels that are no answer',
  'image-missing': 'whose images are not there',
  'image-unreadable': 'whose images cannot be read',
  'image-too-large': 'whose images are too large',
  'same-image': 'with one image on both sides',
  'id-taken': 'whose id is that of another answer',
  contradiction: 'that contradict another answer of the same person',
} as const;

export type ImportReason = keyof typeof importReasons;

/** What of an import cannot be. */
export interface ImportProblem {
  line: number;
  reason: ImportReason;
  message: string;
}

/**
 * Ids that follow from what they name: an answer imported again meets itself. Rows without a name
 * are different people; what tells one from the next is the answer's own id, else what it says,
 * when, and how often it was said before.
 */
export function idsOf(pipeline: string, answer: ImportedAnswer) {
  const { caption, left, right, rankingId, userId, createdAt, ordinal } = answer;
  const sample = ({ imageBlob }: ImportedImage) =>
    derivedId('imported sample', pipeline, caption, imageBlob);
  const blobs = [left.imageBlob, right.imageBlob].sort();
  const pair = derivedId('imported pair', pipeline, caption, ...blobs);
  // In seconds: the same data set is passed on in seconds, milliseconds and microseconds.
  const second = createdAt === null ? '' : Math.floor(createdAt / 1000);
  const said = ['what is said', pair, meaningOf(answer), second, ordinal];
  const unnamed = rankingId === null ? said : ['answer', rankingId];
  const person =
    userId === null
      ? derivedId('imported person without a name', ...unnamed)
      : importedPersonId(userId);
  return {
    left: sample(left),
    right: sample(right),
    pair,
    person,
    preference: rankingId ?? derivedId('imported answer', pair, person),
  };
}

/** The account of somebody whom files call so. */
export function importedPersonId(userId: string): string {
  return derivedId('imported person', userId);
}

/** Tells rows without a name and an id, which say the same, from each other by their order. */
export function withOrdinals(
  pipeline: string,
  answers: readonly Omit<ImportedAnswer, 'ordinal'>[],
): ImportedAnswer[] {
  const said = new Map<string, number>();
  return answers.map((answer) => {
    const first = { ...answer, ordinal: 1 };
    if (answer.userId !== null || answer.rankingId !== null) return first;
    const { person } = idsOf(pipeline, first);
    const ordinal = (said.get(person) ?? 0) + 1;
    said.set(person, ordinal);
    return { ...answer, ordinal };
  });
}

/** What an answer says of which images, however they stood: equal answers are equal texts. */
function meaningOf({
  answer,
  left,
  right,
}: Pick<ImportedAnswer, 'answer' | 'left' | 'right'>): string {
  const sides = { leftSampleId: left.imageBlob, rightSampleId: right.imageBlob };
  const blobs = Object.values(sides).sort();
  return JSON.stringify([blobs, preferredSample(answer, sides) ?? answer]);
}

/** What the database knows under the id of an answer. */
function* knownMeaning(tx: Transaction, id: string): Steps<string | null> {
  const known = yield* one(tx.select().from(preferences).where(eq(preferences.id, id)));
  if (!known) return null;
  const left = (yield* one(tx.select().from(samples).where(eq(samples.id, known.leftSampleId))))!;
  const right = (yield* one(tx.select().from(samples).where(eq(samples.id, known.rightSampleId))))!;
  return meaningOf({
    answer: known.answer,
    left: { ...left, origin: '' },
    right: { ...right, origin: '' },
  });
}

/**
 * Which answers contradict others, of the file or here: then none may be imported. The same answer
 * again is no contradiction; it is known.
 */
export async function importProblems(
  pipeline: string,
  answers: readonly ImportedAnswer[],
): Promise<ImportProblem[]> {
  const tx = db();
  const seen = new Map<string, { line: number; meaning: string }>();
  const problems: ImportProblem[] = [];
  for (const answer of answers) {
    const { line } = answer;
    const { preference, pair, person } = idsOf(pipeline, answer);
    const meaning = meaningOf(answer);
    const stored = await read(knownMeaning(tx, preference));
    const earlier = seen.get(`id ${preference}`);
    seen.set(`id ${preference}`, earlier ?? { line, meaning });
    const isTaken = (stored ?? meaning) !== meaning || (earlier?.meaning ?? meaning) !== meaning;
    // An id that was made here follows from the person and the pair: that is looked at below.
    if (isTaken && answer.rankingId !== null) {
      const where = earlier ? `line ${earlier.line}` : 'an answer that is stored';
      const message = `the ranking_id ${preference} is that of ${where}, which says something else${earlier ? '' : ', or whose images were made to fit otherwise'}. Make the ids unique, or leave the column away.`;
      problems.push({ line, reason: 'id-taken', message });
      continue;
    }
    if (!isTaken && (stored || earlier)) continue;
    const own = tx.select().from(preferences).where(standingOf(pair, person)).get();
    const before = seen.get(`pair ${pair} ${person}`);
    seen.set(`pair ${pair} ${person}`, before ?? { line, meaning });
    const said = own ? await read(knownMeaning(tx, own.id)) : before?.meaning;
    if (said === undefined || said === meaning) continue;
    const message = `${answer.userId} has judged these two images otherwise ${own ? 'in an earlier import' : `in line ${before?.line}`}. Keep one of the two, or give each person a user_id.`;
    problems.push({ line, reason: 'contradiction', message });
  }
  return problems;
}

/** A person's standing answer to a pair. */
function standingOf(pairId: string, annotatorId: string) {
  return and(
    eq(preferences.pairId, pairId),
    eq(preferences.annotatorId, annotatorId),
    isNull(preferences.supersededAt),
  );
}
