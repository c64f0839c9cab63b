import type { Answer } from '../answers';
import { type Interval, wilsonInterval, z95 } from './proportion';

/** How often someone who decided for a side decided for the left one; ½ is unbiased. */
export interface SideBias {
  left: number;
  decided: number;
  interval: Interval | null;
  /** Whether ½ lies outside the interval. */
  biased: boolean;
}

export function sideBias(answers: readonly Answer[], z = z95): SideBias {
  const left = answers.filter((answer) => answer === 'left').length;
  const decided = left + answers.filter((answer) => answer === 'right').length;
  const interval = wilsonInterval({ count: left, n: decided }, z);
  const biased = interval !== null && (interval.low > 0.5 || interval.high < 0.5);
  return { left, decided, interval, biased };
}
