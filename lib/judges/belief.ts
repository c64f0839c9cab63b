/** How far a judge's word can be believed, as far as people have said. */
import { cohensKappa, type Marked } from '../statistics/agreement';

/** Fewer images than this, or marks of either, say nothing: kappa's interval is no use then. */
const leastImages = 30;
const leastMarks = 5;

/**
 * `unknown`: too little to compare; `chance`: they agree no more than chance would, as far as can
 * be told; `some`: more.
 */
export type Belief = 'unknown' | 'chance' | 'some';

export function beliefIn(marked: Marked): Belief {
  const { both, firstOnly, secondOnly, neither } = marked;
  const images = both + firstOnly + secondOnly + neither;
  const fewest = Math.min(both + firstOnly, both + secondOnly);
  const kappa = cohensKappa(marked);
  if (!kappa || images < leastImages || fewest < leastMarks) return 'unknown';
  return kappa.low > 0 ? 'some' : 'chance';
}
