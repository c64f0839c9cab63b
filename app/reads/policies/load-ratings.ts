import { canBeAsked } from '@/db/comparisons/ask';
import { askedComparisons, comparisonsOf, versionsDrawn } from '@/db/comparisons/said';
import { measuredDrawings } from '@/db/policies/drawings';
import { policyNames } from '@/db/policies/list';
import type { Interval } from '@/lib/statistics/proportion';
import { rate } from '@/lib/statistics/ratings';
import type { Ratings } from '../../api/policies/comparisons/schema';
import type { PolicyRef } from '../../api/rounds/schema';
import { chosenDrawing } from '../evaluations/drawings';

const pointsPerLogOdds = 400 / Math.LN10;

/** The newest versions are compared with each other and with the base: more is no choice. */
const candidatesMax = 30;

/** More are no board, and their ratings would hold up whoever opens the page. */
const ratedMax = 100;

/** The newest questions stand for themselves; what older ones came to is in the ratings. */
const askedMax = 10;

/** The ratings of a pipeline's versions, and what might be asked next of images drawn alike. */
export async function loadRatings({
  pipeline,
  drawing: wanted,
}: {
  pipeline: string;
  drawing?: string;
}): Promise<Ratings> {
  const drawing = chosenDrawing(await measuredDrawings(pipeline), wanted);
  const newestFirst = await policyNames(pipeline);
  const said = await comparisonsOf(pipeline);
  const compared = new Set(said.flatMap(({ left, right }) => [left, right]));
  const board = newestOf(
    newestFirst.filter(({ id }) => compared.has(id)),
    ratedMax,
  );
  const onBoard = new Set(board.map(({ id }) => id));
  const comparisons = said.filter(({ left, right }) => onBoard.has(left) && onBoard.has(right));
  const anchor = board.at(-1);
  const rated = anchor ? rate(comparisons, anchor.id) : null;
  const drawn = drawing === undefined ? [] : await versionsDrawn(pipeline, drawing);
  const candidates = newestOf(
    newestFirst.filter(({ id }) => drawn.includes(id)),
    candidatesMax,
  );
  const refs = new Map(newestFirst.map((policy) => [policy.id, policy]));
  const ref = (id: string) => refs.get(id) as PolicyRef;
  const asked = (await askedComparisons(pipeline))
    .filter(({ open, ended }) => open > 0 || ended === 'sure')
    .map(({ versions: [one, other], asked: pairs, ...rest }) => ({
      one: ref(one),
      other: ref(other),
      pairs,
      ...rest,
    }));
  return {
    anchor: rated && anchor ? anchor : null,
    versions:
      rated?.versions.map(({ version, rating, againstAnchor, ranks, answers }) => ({
        policy: ref(version),
        points: scaled(rating, pointsPerLogOdds),
        won: againstAnchor,
        ranks,
        answers,
      })) ?? [],
    leftShare: rated?.leftShare ?? null,
    answers: comparisons.length,
    asked: asked.slice(0, askedMax),
    candidates,
    next: await worthAsking(candidates, rated, { drawing, asked }),
  };
}

function newestOf(newestFirst: readonly PolicyRef[], most: number): PolicyRef[] {
  const oldest = newestFirst.at(-1);
  if (newestFirst.length <= most || !oldest) return [...newestFirst];
  return [...newestFirst.slice(0, most - 1), oldest];
}

function scaled({ rate, low, high }: Interval, by: number): Interval {
  return { rate: rate * by, low: low * by, high: high * by };
}

/** So many are tried, the best first, before nothing is suggested. */
const triedMax = 8;

/**
 * Of what can be asked and is not being asked: the newest version that nobody was asked about
 * beside the best that is known or the base; then the two of which an answer tells most.
 */
async function worthAsking(
  candidates: readonly PolicyRef[],
  rated: ReturnType<typeof rate>,
  { drawing, asked }: { drawing: string | undefined; asked: Ratings['asked'] },
): Promise<Ratings['next']> {
  if (drawing === undefined) return null;
  const isRated = ({ id }: PolicyRef) =>
    rated?.versions.some(({ version }) => version === id) ?? false;
  const known = (rated?.versions ?? []).flatMap(
    ({ version }) => candidates.find(({ id }) => id === version) ?? [],
  );
  const unrated = candidates.filter((policy) => !isRated(policy));
  const fresh = unrated.flatMap((one) => {
    const other = known[0] ?? candidates.findLast(({ id }) => id !== one.id);
    return other ? [{ one, other, worth: Number.POSITIVE_INFINITY }] : [];
  });
  const rivals = known.flatMap((one, i) =>
    known.slice(i + 1).map((other) => ({ one, other, worth: rated?.worth(one.id, other.id) ?? 0 })),
  );
  const isAsked = ({ one, other }: { one: PolicyRef; other: PolicyRef }) =>
    asked.some(
      (question) =>
        question.open > 0 &&
        [question.one.id, question.other.id].sort().join() === [one.id, other.id].sort().join(),
    );
  const best = [...fresh, ...rivals.sort((a, b) => b.worth - a.worth)].filter(
    (both) => !isAsked(both),
  );
  for (const { one, other } of best.slice(0, triedMax)) {
    if (await canBeAsked([one.id, other.id], drawing)) return { one, other };
  }
  return null;
}
