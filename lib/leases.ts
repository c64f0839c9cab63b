/**
 * Pairs a page has in hand: one on screen, the others leased and decoded ahead. Nobody leases more
 * at a time.
 */
export const pairsInHand = 3;

/**
 * What was done last and can be taken back, pair by pair; those come back beside the ones in hand.
 */
export const undoneMax = 10;
