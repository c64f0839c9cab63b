/** @file The formats of `npm run export`: one row each. */
import { linesSink } from './lines-sink';
import { parquetSink } from './parquet-sink';
import type { Sink, SinkInput } from './sink';

interface Format {
  /** For --help. */
  about: string;
  open: (input: SinkInput) => Promise<Sink>;
  /** Files of an earlier export in this format that must not lie beside the new ones. */
  replaces: RegExp;
  /** What `npm run import` is given, within the folder; empty: the folder itself. */
  file: string;
}

const table = {
  lines: {
    about: 'JSON, a line for each answer',
    open: linesSink,
    replaces: /^preferences\.jsonl$/,
    file: 'preferences.jsonl',
  },
  parquet: {
    about: "Pick-a-Pic's own, with the images within",
    open: parquetSink,
    replaces: /^data\/train-\d+\.parquet$/,
    file: '',
  },
} as const satisfies Record<string, Format>;

export type FormatName = keyof typeof table;
export const formatNames = Object.keys(table) as [FormatName, ...FormatName[]];
export const formats: Record<FormatName, Format> = table;

/** For --help: every format with what it is. */
export const aboutFormats = formatNames.map((name) => `${name}: ${table[name].about}`).join('; ');
