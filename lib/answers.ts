import { z } from 'zod';

export const answers = ['left', 'right', 'tie', 'both-bad'] as const;

export const answerSchema = z.enum(answers);

export type Answer = z.infer<typeof answerSchema>;

/** What an answer says about the two images; what a button and a report show. */
export const answerDescriptions: Record<Answer, { label: string; explanation: string }> = {
  left: { label: 'Left', explanation: 'The left image is better.' },
  right: { label: 'Right', explanation: 'The right image is better.' },
  tie: { label: 'Tie', explanation: 'No visible difference in quality; both could stand.' },
  'both-bad': { label: 'Both bad', explanation: 'Neither image should stand.' },
};

/**
 * The sample that an answer prefers, or null for a tie and for both bad: those are kept and
 * counted, but there is nothing in them to train on.
 */
export function preferredSample(
  answer: Answer,
  sides: { leftSampleId: string; rightSampleId: string },
): string | null {
  if (answer === 'left') return sides.leftSampleId;
  if (answer === 'right') return sides.rightSampleId;
  return null;
}

/** Nobody looks at one pair for longer: the person was away, or their clock was set. */
export const decisionMsMax = 3_600_000;

/**
 * How long a decision took by the client's clock, ms in [0, `decisionMsMax`]: from both images
 * standing to the key.
 */
export function decisionMs(times: { shownAtMs: number; decidedAtMs: number }): number {
  return Math.min(Math.max(0, times.decidedAtMs - times.shownAtMs), decisionMsMax);
}

/** Why people are asked no longer which of two versions is better before all pairs are answered. */
export const comparisonEnds = [
  /** One is better beyond chance. */
  'sure',
  /** Somebody stopped it. */
  'stopped',
] as const;

export type ComparisonEnd = (typeof comparisonEnds)[number];
