import { pairsInHand } from '@/lib/leases';

/** Before the first pair stands, and where few are left: more would only keep it waiting. */
const handMin = 3;

/** While nobody knows how fast the person is. */
const handAtFirst = 8;

/** Also a fast person's answers must not wait for a slow connection, ms. */
const aheadMs = 6_000;

/** Of the pairs that a round still wants, the share that one person may keep from others. */
const shareMax = 0.25;

/** Decisions that tell the pace. */
const paceOf = 9;

/**
 * How many pairs to have in hand: as many as are judged in six seconds, and the one on screen.
 * Towards the end of a round fewer, so that nobody waits for pairs that another only keeps.
 *
 * @param ready whether a pair has been decoded yet
 * @param decidedAtMs when the last decisions were taken, oldest first
 * @param left answers that the round still wants; null: not known
 */
export function pairsWanted(of: {
  ready: boolean;
  decidedAtMs: readonly number[];
  left: number | null;
}): number {
  if (!of.ready) return handMin;
  const paceMs = paceMsOf(of.decidedAtMs);
  const byPace = paceMs === null ? handAtFirst : Math.ceil(aheadMs / Math.max(1, paceMs)) + 1;
  const byShare = of.left === null ? handMin : Math.ceil(shareMax * of.left);
  return Math.max(handMin, Math.min(byPace, byShare, pairsInHand));
}

/**
 * The lower quartile of the times between the last decisions: a pause, or one hard pair, makes
 * nobody slow.
 */
function paceMsOf(decidedAtMs: readonly number[]): number | null {
  const times = decidedAtMs.slice(-paceOf);
  const between = times.slice(1).map((at, index) => at - times[index]!);
  if (between.length < 2) return null;
  return between.sort((a, b) => a - b)[Math.floor(between.length / 4)]!;
}
