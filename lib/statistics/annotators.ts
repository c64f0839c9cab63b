import type { MedianInterval } from './median';
import { type Interval, type Proportion, wilsonInterval, z95 } from './proportion';

/** How often someone who decided for a side decided for the left one; ½ is unbiased. */
export interface SideBias {
  left: number;
  decided: number;
  interval: Interval | null;
  /** Whether ½ lies outside the interval. */
  biased: boolean;
}

/** Of those who decided for a side. */
export function sideBiasOf(
  { left, decided }: { left: number; decided: number },
  z = z95,
): SideBias {
  const interval = wilsonInterval({ count: left, n: decided }, z);
  const biased = interval !== null && (interval.low > 0.5 || interval.high < 0.5);
  return { left, decided, interval, biased };
}

/**
 * Quicker than this nobody compares two images that they see for the first time, ms: telling two
 * known signals apart alone takes a few hundred.
 */
const comparingMs = 600;

/** Fewer decisions tell nothing of somebody's median: the interval is no interval yet. */
const decisionsMin = 6;

/** Whether somebody decides faster than people can look: the whole interval lies below. */
export function isTooFast(decisionMs: MedianInterval | null): boolean {
  return decisionMs !== null && decisionMs.n >= decisionsMin && decisionMs.high < comparingMs;
}

/** What one person's answers say about how they judge. Rates come as counts, to be shown with n. */
export interface AnnotatorFigures {
  answers: number;
  /** Time from seeing a pair to deciding. */
  decisionMs: MedianInterval | null;
  sideBias: SideBias;
  /** Of all comparisons with other people's answers to the same pairs, those that agree. */
  agreement: Proportion;
  /** Of the gold pairs judged, those judged right. */
  gold: Proportion;
  ties: Proportion;
  bothBad: Proportion;
}
