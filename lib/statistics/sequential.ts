/**
 * Whether so many wins and losses say that the chances are not even, looked at after every one of
 * them if need be: over all looks together a fair coin is called unfair with a probability of at
 * most `level`. The likelihood under all chances alike over that under even ones is a bet against a
 * fair coin, and its capital never reaches 1/level with a greater probability (Ville's inequality;
 * Robbins 1970, "Statistical methods related to the law of the iterated logarithm").
 *
 *   E = ∫ p^w (1−p)^l dp / 2^−n = 2^n / ((n + 1)·C(n, w))        n = w + l
 */
export function isBeyondChance(wins: number, losses: number, level = 0.05): boolean {
  const n = wins + losses;
  let capital = n * Math.LN2 - Math.log(n + 1);
  for (let i = 1; i <= losses; i++) capital -= Math.log((wins + i) / i);
  return capital >= -Math.log(level);
}
