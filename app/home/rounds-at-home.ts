/** Of the rounds that are over the last, for when nothing is under way. */
export const roundsAtHome = 1;
