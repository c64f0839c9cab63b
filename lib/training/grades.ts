/** @file What comparisons say of each image by itself. */

/** A comparison of two images, as it was frozen. */
export interface GradedPair {
  winner: { id: string };
  loser: { id: string };
  /** (for − against) / all of those who compared them, in (0, 1]. */
  weight: number;
  /** The probability that it is wrong, in [0, 0.5). */
  smoothing: number;
}

/**
 * The share of its comparisons that each image of a pair or group won, in [0, 1]: of those with
 * every other image in it, as many people as looked. A tie counts half, as does whom nobody
 * compared.
 * @param pairs comparisons of the images of one pair or group; each two images stand in one at most
 * @returns grades by sample id, in the order in which the images come up
 */
export function gradesOf(pairs: readonly GradedPair[]): Map<string, number> {
  const leads = new Map<string, number>();
  const add = (id: string, lead: number) => leads.set(id, (leads.get(id) ?? 0) + lead);
  for (const { winner, loser, weight, smoothing } of pairs) {
    // Where the label is wrong with probability s, the expected lead is (1 − 2s) of what it says.
    const lead = weight * (1 - 2 * smoothing);
    add(winner.id, lead);
    add(loser.id, -lead);
  }
  const others = leads.size - 1;
  return new Map([...leads].map(([id, lead]) => [id, (1 + lead / others) / 2]));
}
