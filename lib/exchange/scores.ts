/**
 * @file The scores of yk7333/d3po: a person gives each image of a group one, the higher the better
 * (`scripts/train.py` there compares every two).
 */

/**
 * Which images of a group somebody found bad, by their place: of two kinds of scores the lower, of
 * several those below the person's own mean. Null where all are alike, which says nothing.
 */
export function badByScores(scores: readonly number[]): number[] | null {
  const kinds = new Set(scores);
  if (kinds.size < 2) return null;
  const bound = scoresAreGraded(scores)
    ? scores.reduce((sum, score) => sum + score, 0) / scores.length
    : Math.max(...kinds);
  return scores.flatMap((score, place) => (score < bound ? [place] : []));
}

/** Whether there are more than good and bad. */
export function scoresAreGraded(scores: readonly number[]): boolean {
  return new Set(scores).size > 2;
}
