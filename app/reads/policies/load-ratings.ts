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
  const asked = new Set(said.flatMap(({ left, right }) => [left, right]));
  const board = newestOf(
    newestFirst.filter(({ id }) => asked.has(id)),
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
    asked: (await askedComparisons(pipeline))
      .filter(({ open, ended }) => open > 0 || ended === 'sure')
      .slice(0, askedMax)
      .map(({ versions: [one, other], asked, ...rest }) => ({
        one: ref(one),
        other: ref(other),
        pairs: asked,
        ...rest,
      })),
    candidates,
    next: worthAsking(candidates, rated),
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

/**
 * The newest version that nobody was asked about, beside the best that is known or the base; where
 * all are rated, the two of which an answer tells most.
 */
function worthAsking(
  candidates: readonly PolicyRef[],
  rated: ReturnType<typeof rate>,
): Ratings['next'] {
  const isRated = ({ id }: PolicyRef) => rated?.versions.some(({ version }) => version === id);
  const unrated = candidates.find((policy) => !isRated(policy));
  const known = rated?.versions.flatMap(
    ({ version }) => candidates.find(({ id }) => id === version) ?? [],
  );
  if (unrated) {
    const other = known?.[0] ?? candidates.findLast(({ id }) => id !== unrated.id);
    return other ? { one: unrated, other } : null;
  }
  if (!rated || !known) return null;
  let next: Ratings['next'] = null;
  let most = Number.NEGATIVE_INFINITY;
  for (const [i, one] of known.entries()) {
    for (const other of known.slice(i + 1)) {
      const worth = rated.worth(one.id, other.id);
      if (worth > most) [next, most] = [{ one, other }, worth];
    }
  }
  return next;
}
