/**
 * @file Training curves compared where they are comparable: at the same reward, or at the same
 * cost.
 */

/** A point of a curve: what was reached, and something measured there. */
export interface CurvePoint {
  x: number;
  y: number;
}

/**
 * y where the curve first reaches `x`, linear between its points; null where it never does. Points
 * come in the order of training: where x falls back, only its first way up counts.
 */
export function firstAt(points: readonly CurvePoint[], x: number): number | null {
  const [first] = points;
  if (!first) return null;
  if (first.x >= x) return first.y;
  for (let i = 1; i < points.length; i++) {
    const [before, after] = [points[i - 1], points[i]] as [CurvePoint, CurvePoint];
    if (after.x < x) continue;
    return before.y + ((x - before.x) / (after.x - before.x)) * (after.y - before.y);
  }
  return null;
}
