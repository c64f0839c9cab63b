/**
 * Pairs a page has in hand at most: one on screen, the others leased and decoded ahead. Nobody
 * leases more at a time; how many of them a page wants follows the person's pace.
 */
export const pairsInHand = 10;

/**
 * What was done last and can be taken back, pair by pair; those come back beside the ones in hand.
 */
export const undoneMax = 10;
