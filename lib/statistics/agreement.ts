/**
 * Krippendorff's alpha for nominal answers: 1 when all agree, 0 when they agree as often as chance,
 * below 0 when less. Null when fewer than two answers can be compared, or when only one answer was
 * ever given (chance agreement is then certain).
 * K. Krippendorff, Content Analysis (2004), ch. 11: alpha = 1 − observed / expected disagreement.
 *
 * Counted over items that two or more people answered. `observed`: of each item the ordered pairs
 * of answers that differ, over its answers less one, summed; `values`: all answers; `squares`: of
 * how often each answer was given, summed.
 */
export function alphaOf({
  observed,
  values,
  squares,
}: {
  observed: number;
  values: number;
  squares: number;
}): number | null {
  const expected = values * values - squares;
  if (expected === 0) return null;
  return 1 - (observed * (values - 1)) / expected;
}
