/** @file The formats of `npm run export`: one row each. */
import { exportPreferences } from '@/db/exchange/exports';
import { exportRankings } from '@/db/exchange/rankings';
import { exportRawAnswers } from '@/db/exchange/raw-answers';
import type { PickAPicRow } from '@/lib/exchange/pick-a-pic';
import { linesSink } from './lines-sink';
import { noiseSink, parquetSink, triplesSink } from './parquet-sink';
import { rankingsSink } from './rankings-sink';
import { writing } from './sink';

interface Format {
  /** For --help. */
  about: string;
  open: ReturnType<typeof writing>;
  /** Files of an earlier export in this format that must not lie beside the new ones. */
  replaces: RegExp;
  /** What `npm run import` is given, within the folder; empty: the folder itself. */
  file: string;
  /** It can only say which image is better. */
  decidedOnly?: boolean;
}

const keyOf = ({ answer_id }: PickAPicRow) => answer_id;
const shards = /^data\/train-\d+\.parquet$/;

const table = {
  lines: {
    about: 'JSON, a line for each answer',
    open: writing(exportPreferences, keyOf, linesSink),
    replaces: /^preferences\.jsonl$/,
    file: 'preferences.jsonl',
  },
  parquet: {
    about: "Pick-a-Pic's own, with the images within",
    open: writing(exportPreferences, keyOf, parquetSink),
    replaces: shards,
    file: '',
  },
  triples: {
    about: 'Parquet with prompt, chosen and rejected image',
    open: writing(exportPreferences, keyOf, triplesSink),
    replaces: shards,
    file: '',
    decidedOnly: true,
  },
  noise: {
    about: 'as parquet, with the latents of the images from x_T to x_0 and a datasheet',
    open: writing(exportRawAnswers, ({ answer }) => answer.answer_id, noiseSink),
    replaces: shards,
    file: '',
  },
  rankings: {
    about: "HPDv2's JSON, an item for each pair and tagged group",
    open: writing(exportRankings, ({ key }) => key, rankingsSink),
    replaces: /^rankings\.json$/,
    file: 'rankings.json',
  },
} satisfies Record<string, Format>;

export type FormatName = keyof typeof table;
export const formatNames = Object.keys(table) as [FormatName, ...FormatName[]];
export const formats: Record<FormatName, Format> = table;

/** For --help: every format with what it is. */
export const aboutFormats = formatNames.map((name) => `${name}: ${table[name].about}`).join('; ');
