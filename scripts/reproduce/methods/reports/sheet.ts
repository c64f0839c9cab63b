/**
 * @file Sample sheets: a row of images for each setting, the same prompts and seeds below each
 * other.
 */
import { contactSheet } from '@/trainer/hands/contact-sheet';
import { IMAGE_SIZE } from '@/trainer/hands/world/draw';

/** @param rows pixels of images, as many in each row */
export function sheetOf(rows: readonly (readonly Uint8Array[])[]): Uint8Array {
  const columns = Math.max(1, ...rows.map(({ length }) => length));
  return contactSheet(rows.flat(), IMAGE_SIZE, { columns, gap: 2 });
}
