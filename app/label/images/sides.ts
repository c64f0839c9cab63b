/** The two images of a pair, by where they stand. */
export const sides = ['left', 'right'] as const;

export type Side = (typeof sides)[number];
