/**
 * @file Signed distances (negative inside) and the few blends that the drawing needs. Units: pixels
 * of the hand's own frame.
 */

/** A limb: a segment whose radius goes linearly from `startRadius` to `endRadius`. */
export interface Limb {
  startX: number;
  startY: number;
  /** From start to end. */
  deltaX: number;
  deltaY: number;
  startRadius: number;
  endRadius: number;
  /** 1 / length², kept because every pixel needs it. */
  inverseSquaredLength: number;
}

export function limb(
  start: readonly [number, number],
  end: readonly [number, number],
  startRadius: number,
  endRadius: number,
): Limb {
  const deltaX = end[0] - start[0];
  const deltaY = end[1] - start[1];
  return {
    startX: start[0],
    startY: start[1],
    deltaX,
    deltaY,
    startRadius,
    endRadius,
    inverseSquaredLength: 1 / (deltaX * deltaX + deltaY * deltaY),
  };
}

/** Where along the limb the point projects: 0 at the start, 1 at the end, clamped. */
export function alongLimb(shape: Limb, x: number, y: number): number {
  const along =
    ((x - shape.startX) * shape.deltaX + (y - shape.startY) * shape.deltaY) *
    shape.inverseSquaredLength;
  return clamp(along, 0, 1);
}

/** Signed distance to the limb; exact for equal radii, within the taper's slope otherwise. */
export function limbDistance(shape: Limb, x: number, y: number): number {
  const along = alongLimb(shape, x, y);
  const offsetX = x - shape.startX - along * shape.deltaX;
  const offsetY = y - shape.startY - along * shape.deltaY;
  const radius = shape.startRadius + along * (shape.endRadius - shape.startRadius);
  return Math.sqrt(offsetX * offsetX + offsetY * offsetY) - radius;
}

/**
 * A convex polygon, corners clockwise on screen (x right, y down), grown and rounded by `rounding`.
 */
export interface RoundedPolygon {
  corners: readonly (readonly [number, number])[];
  rounding: number;
}

/** Signed distance to a rounded convex polygon (Inigo Quilez's construction). */
export function polygonDistance(shape: RoundedPolygon, x: number, y: number): number {
  const { corners } = shape;
  let squared = Number.POSITIVE_INFINITY;
  let inside = true;
  let previous = corners[corners.length - 1]!;
  for (const corner of corners) {
    const edgeX = corner[0] - previous[0];
    const edgeY = corner[1] - previous[1];
    const fromX = x - previous[0];
    const fromY = y - previous[1];
    const along = clamp((fromX * edgeX + fromY * edgeY) / (edgeX * edgeX + edgeY * edgeY), 0, 1);
    const offsetX = fromX - edgeX * along;
    const offsetY = fromY - edgeY * along;
    squared = Math.min(squared, offsetX * offsetX + offsetY * offsetY);
    if (edgeX * fromY - edgeY * fromX < 0) inside = false;
    previous = corner;
  }
  const distance = Math.sqrt(squared);
  return (inside ? -distance : distance) - shape.rounding;
}

/** Union whose seam is rounded over about `softness` pixels (polynomial smooth minimum). */
export function softUnion(a: number, b: number, softness: number): number {
  const overlap = softness - Math.abs(a - b);
  const lower = Math.min(a, b);
  return overlap <= 0 ? lower : lower - (overlap * overlap) / (4 * softness);
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

/** 0 below `low`, 1 above `high`, a smooth cubic between. */
export function smoothStep(low: number, high: number, value: number): number {
  const t = clamp((value - low) / (high - low), 0, 1);
  return t * t * (3 - 2 * t);
}
