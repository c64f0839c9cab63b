import { z } from 'zod';

/** What kinds of file answers are imported from, in words. */
export const importFormats = {
  lines: 'Lines of JSON',
  items: 'JSON',
  parquet: 'Parquet',
  scores: 'D3PO’s own labels',
} as const;

export type ImportFormat = keyof typeof importFormats;

export const importFormatSchema = z.enum(
  Object.keys(importFormats) as [ImportFormat, ...ImportFormat[]],
);
