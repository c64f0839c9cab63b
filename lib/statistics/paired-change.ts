import { z } from 'zod';
import { z95 } from './proportion';

export const changeSchema = z.object({
  /** Means over the images. */
  before: z.number(),
  after: z.number(),
  /** 95 % interval of the mean difference, image by image. */
  low: z.number(),
  high: z.number(),
});

/** How a measure changed on the same prompts and seeds. */
export type Change = z.infer<typeof changeSchema>;

/** @throws RangeError where the two are not the same images */
export function pairedChange(before: readonly number[], after: readonly number[]): Change {
  const n = before.length;
  if (n === 0 || after.length !== n) {
    throw new RangeError(`${n} images before cannot be compared with ${after.length} after.`);
  }
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / n;
  const differences = after.map((value, i) => value - before[i]!);
  const difference = mean(differences);
  const squares = differences.reduce((sum, value) => sum + (value - difference) ** 2, 0);
  // One image says nothing of the spread.
  const half = n === 1 ? Number.POSITIVE_INFINITY : z95 * Math.sqrt(squares / (n - 1) / n);
  return {
    before: mean(before),
    after: mean(after),
    low: difference - half,
    high: difference + half,
  };
}
