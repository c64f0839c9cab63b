/** Why people are asked no longer which of two versions is better, before all pairs are answered. */
export const comparisonEnds = [
  /** One is better beyond chance. */
  'sure',
  /** Somebody stopped it. */
  'stopped',
] as const;

export type ComparisonEnd = (typeof comparisonEnds)[number];
