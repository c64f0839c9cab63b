/**
 * @file How much of a log-ratio x = ln r counts in D3PO's margin. With lo = ln(1−ε) < 0 < hi =
 * ln(1+ε):
 *
 *   hard      winner, loser: min(max(x, lo), hi)
 *   soft      winner, loser: x / √(1 + (x/b)²)    b = hi where x ≥ 0, −lo elsewhere
 *   ppo-min   winner: min(x, hi)    loser: max(x, lo)
 *
 * hard is official (yk7333/d3po). Outside its bounds an image has no gradient in either direction,
 * so nothing pulls a drifted policy back.
 *
 * soft lies between the same bounds and is as smooth as x itself at 0. Its slope (1 +
 * (x/b)²)^(−3/2) is 1 at 0, 0.35 at a bound, and falls as |x|⁻³ beyond: it shrinks, but a loser
 * that became likelier is still pushed down. b·tanh(x/b) has the same shape, but its slope falls
 * exponentially and is exactly 0 in float32 from about nine bounds on, which the step before the
 * last passes first.
 *
 * ppo-min is PPO's pessimistic bound (Schulman et al., arXiv 1707.06347, Eq. 7), which maximises
 * min(rA, clip(r)A) with clip(r) = min(max(r, 1−ε), 1+ε), for the advantage A = +1 of a winner and
 * −1 of a loser:
 *
 *   A = +1   min(r, clip(r)) = min(r, 1+ε)
 *   A = −1   min(−r, −clip(r)) = −max(r, clip(r)) = −max(r, 1−ε)
 *
 * ln keeps order, so the same bounds hold for x. The gradient ends only where an image has gone
 * further than ε in the direction its label wants; one that drifted the other way keeps all of it
 * and is pulled back. So the margin is bounded from above alone: unlike with hard and soft, the
 * loss can grow.
 */
import type { Builder, Value } from '@/trainer/graph/builder';

export type ClipForm = 'hard' | 'soft' | 'ppo-min';

export interface Clip {
  form: ClipForm;
  /** ε, in (0, 1). */
  range: number;
}

const boundsOf = ({ range }: Clip) => ({ low: Math.log(1 - range), high: Math.log(1 + range) });

/**
 * Σ_j h_j·(what counts of x_j) of every pair, [pairs]; x itself where there is no clip.
 * @param preference h: +1 at the winner, −1 at the loser, 0 elsewhere, [pairs, images]
 * @param logRatio x, [1, images]
 */
export function appendClippedMargin(
  b: Builder,
  preference: Value,
  logRatio: Value,
  clip: Clip | undefined,
): Value {
  const sum = (terms: Value) => b.reduceSum(terms, [1], false);
  if (clip?.form === 'ppo-min') {
    const { low, high } = boundsOf(clip);
    const winners = b.op('Relu', [preference]);
    const losers = b.op('Relu', [b.neg(preference)]);
    return sum(
      b.sub(
        b.mul(winners, b.op('Min', [logRatio, b.scalar(high)])),
        b.mul(losers, b.op('Max', [logRatio, b.scalar(low)])),
      ),
    );
  }
  return sum(b.mul(preference, clip ? appendBounded(b, logRatio, clip) : logRatio));
}

function appendBounded(b: Builder, x: Value, clip: Clip): Value {
  const { low, high } = boundsOf(clip);
  if (clip.form === 'hard') return b.op('Clip', [x, b.scalar(low), b.scalar(high)]);
  // Chosen by a condition, which has no gradient: two halves by Relu would have none at 0, where
  // training begins.
  const bound = b.where(b.op('GreaterOrEqual', [x, b.scalar(0)]), b.scalar(high), b.scalar(-low));
  const share = b.div(x, bound);
  return b.div(x, b.op('Sqrt', [b.add(b.scalar(1), b.mul(share, share))]));
}

/** Whether a log-ratio is past the bound that holds for its side of a pair. */
export function isClipped(x: number, side: 'winner' | 'loser', clip: Clip | undefined): boolean {
  if (!clip) return false;
  const { low, high } = boundsOf(clip);
  if (clip.form !== 'ppo-min') return x < low || x > high;
  return side === 'winner' ? x > high : x < low;
}
