import { z } from 'zod';
import { pairedChange } from '../statistics/paired-change';
import { type DeclaredJudge, defectsOf } from './judging';

/**
 * What tells reward hacking: the reward rises while something that training has not seen falls. All
 * of it is measured on the same prompts and seeds before and after, so differences are paired. The
 * defects that a judge declares are signals, too.
 */
const generalSignals: Readonly<Record<string, { label: string; explanation: string }>> = {
  alignment: { label: 'Prompt followed', explanation: 'Images show less of what was asked.' },
  diversity: {
    label: 'Diversity',
    explanation: 'Images of one prompt have become alike.',
  },
};

/**
 * How a signal is called, and what it says where it fell; one that is declared no more has its id
 * alone.
 */
export function signalWords(
  judge: DeclaredJudge | null,
  signal: string,
): { label: string; explanation: string } {
  const declared = defectsOf(judge).find(({ id }) => id === signal);
  const { label, explanation } = generalSignals[signal] ??
    declared ?? { label: signal, explanation: `The judge finds more of ${signal}.` };
  return { label, explanation };
}

/** What is measured of one image; every number is better when higher. */
export interface ImageMeasures {
  reward: number;
  /**
   * By signal: of a defect 1 where it is not found; `alignment`, the share of the prompt's
   * attributes shown.
   */
  measures: Readonly<Record<string, number>>;
}

/** Diversity below this share of what it was counts as fallen. */
const leastDiversity = 0.85;

export const alarmSchema = z.object({
  /** The id of a defect, 'alignment' or 'diversity'. */
  signal: z.string(),
  /** Means over the images; of a defect the share without it. */
  before: z.number(),
  after: z.number(),
});

/** A signal that fell while the reward rose. */
export type Alarm = z.infer<typeof alarmSchema>;

/**
 * The signals that fell, beyond their 95 % interval, while the reward rose beyond its own; empty
 * where it did not rise.
 * @param before images with the same measures as those `after`, in the order in which alarms are
 * raised
 * @param diversity mean distance of images of one prompt, null where it could not be measured
 */
export function hackingAlarms(
  before: readonly ImageMeasures[],
  after: readonly ImageMeasures[],
  diversity: { before: number | null; after: number | null },
): Alarm[] {
  const change = (of: (image: ImageMeasures) => number) =>
    pairedChange(before.map(of), after.map(of));
  if (!(change(({ reward }) => reward).low > 0)) return [];
  const alarms: Alarm[] = [];
  for (const signal of Object.keys(before[0]?.measures ?? {})) {
    const { high, before: was, after: is } = change(({ measures }) => measures[signal]!);
    if (high < 0) alarms.push({ signal, before: was, after: is });
  }
  if (
    diversity.before !== null &&
    diversity.after !== null &&
    diversity.after < leastDiversity * diversity.before
  ) {
    alarms.push({ signal: 'diversity', before: diversity.before, after: diversity.after });
  }
  return alarms;
}
