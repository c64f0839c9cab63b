import { drawingText } from '@/lib/drawings';
import type { DrawingRef } from '../../api/evaluations/schema';

/** The one asked for, where there are such; else the first. */
export function chosenDrawing(drawings: readonly string[], wanted?: string): string | undefined {
  return drawings.find((one) => one === wanted) ?? drawings[0];
}

/** Keys with their words, for pages to choose from. */
export function showDrawings(drawings: readonly string[]): DrawingRef[] {
  return drawings.map((key) => ({ key, words: drawingText(key) }));
}
