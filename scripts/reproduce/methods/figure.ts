/** @file What a figure is to the suite: what it will cost, how it is made, and how it is told. */

import type { Bench } from './bench';
import type { Passes } from './picks/passes';
import { overSeeds } from './reports/intervals';
import type { PlotPoint } from './reports/plot';
import { type Evaluation, meanOf, type PromptedImage } from './training/evaluation';

/** What a figure leaves beside the report, by file name. */
export type Files = Record<string, string | Uint8Array>;

export interface Told {
  /** Markdown under the figure's heading. */
  text: string;
  files: Files;
}

/** @template T what the report's JSON keeps */
export interface Figure<T> {
  title: string;
  /** UNet evaluations of all its units, by their plans. */
  planned(bench: Pick<Bench, 'sizes' | 'seeds'>): Passes;
  /** Does what is not yet done. */
  run(bench: Bench): Promise<T>;
  tell(result: T, bench: Pick<Bench, 'sizes' | 'seeds'>): Told;
}

/** A few images of a unit, for sheets: pixels in base64. */
export type KeptImages = string[];

/** The first images of an evaluation, as JSON keeps them. */
export function keepImages(images: readonly PromptedImage[], count: number): KeptImages {
  return images.slice(0, count).map(({ image }) => Buffer.from(image.data).toString('base64'));
}

export function pixelsOf(kept: KeptImages): Uint8Array[] {
  return kept.map((text) => new Uint8Array(Buffer.from(text, 'base64')));
}

/** Mean and 95 % interval over seeds, as text. */
export function seedsText(values: readonly number[], digits = 3): string {
  const found = overSeeds(values);
  if (!found) return '–';
  if (values.length === 1) return found.rate.toFixed(digits);
  return `${found.rate.toFixed(digits)} (${found.low.toFixed(digits)} – ${found.high.toFixed(digits)})`;
}

/** A point of a plot from one value per seed. */
export function seedsPoint(x: number, values: readonly number[]): PlotPoint {
  const found = overSeeds(values);
  const y = found?.rate ?? Number.NaN;
  return found && values.length > 1 ? { x, y, low: found.low, high: found.high } : { x, y };
}

export const rewardOf = ({ reward }: Evaluation): number => meanOf(reward);

/** A table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
