/**
 * The places of things by the mean of several readings: 1 is best, those of one mean share a place,
 * and the next one follows the number of those before it. @param readings each with a place for
 * every thing, the best the lowest
 */
export function placesOf(readings: readonly (readonly number[])[]): number[] {
  const [first = []] = readings;
  const sums = first.map((_, thing) => readings.reduce((sum, one) => sum + one[thing]!, 0));
  return sums.map((sum) => 1 + sums.filter((other) => other < sum).length);
}
