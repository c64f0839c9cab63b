/** @file Boxes that a detector found, and which of them are the same thing. */
import type { Box } from './pixels';

export interface Scored {
  box: Box;
  score: number;
}

function area({ top, left, bottom, right }: Box): number {
  return Math.max(0, bottom - top) * Math.max(0, right - left);
}

/** Shared area over the area of both together. */
function overlap(a: Box, b: Box): number {
  const shared = area({
    top: Math.max(a.top, b.top),
    left: Math.max(a.left, b.left),
    bottom: Math.min(a.bottom, b.bottom),
    right: Math.min(a.right, b.right),
  });
  const both = area(a) + area(b) - shared;
  return both > 0 ? shared / both : 0;
}

/**
 * The best boxes of which none overlaps a better one by more than `most`, best first.
 */
export function distinct(boxes: readonly Scored[], most: number, limit: number): Scored[] {
  const kept: Scored[] = [];
  for (const one of boxes.toSorted((a, b) => b.score - a.score)) {
    if (kept.length === limit) break;
    if (kept.every(({ box }) => overlap(box, one.box) <= most)) kept.push(one);
  }
  return kept;
}

/** A box that many times as large, about the same middle. */
export function enlarged({ top, left, bottom, right }: Box, times: number): Box {
  const [y, x] = [(top + bottom) / 2, (left + right) / 2];
  const [height, width] = [((bottom - top) * times) / 2, ((right - left) * times) / 2];
  return { top: y - height, left: x - width, bottom: y + height, right: x + width };
}
