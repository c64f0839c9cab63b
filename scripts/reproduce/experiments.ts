/** @file The paper's three experiments, on `hands`: what is asked of the annotators and what is measured. */
import type { Verdict } from '@/trainer/hands/judge/verdict';
import type { TrainingSettings } from './student';

export type ExperimentName = 'hands' | 'blood' | 'alignment';

export interface Experiment {
  title: string;
  /** What D3PO reached in the paper's experiment of this kind, and the mark to meet. */
  mark: string;
  /** Groups whose bad images are tagged, or pairs of which the better is picked. */
  source: { kind: 'groups'; size: number; bad: (verdict: Verdict) => boolean } | { kind: 'pairs' };
  /** Rounds, and groups or pairs in each. Tagging an image or picking from a pair is one judgement. */
  rounds: number;
  perRound: number;
  training: TrainingSettings;
}

/** What training uses in all three; departures from the official defaults carry their reason. */
const common: TrainingSettings = {
  steps: 20,
  eta: 1,
  /** At 5 pale skin turns white, and rare things, good and bad, disappear. */
  guidance: 2,
  rank: 4,
  /** Finger count is a matter of shape, which sits in the convolutions. */
  targets: 'attention+feed-forward+convolutions',
  beta: 0.1,
  clipRange: 0.1,
  learningRate: 1.2e-2,
  /**
   * Colours and shapes are settled in the first steps. The gradients of the last ones are longer, but those of different
   * images do not agree: they only add noise.
   */
  noisiestShare: 0.4,
  timestepFraction: 1,
  epochs: 1,
  perStep: 20,
  /**
   * Epsilon is large beside a gradient's entries, so a weight moves as far as its evidence is strong. At 1e-8 every weight
   * moves by the learning rate, whatever the evidence.
   */
  adamW: { beta1: 0.9, beta2: 0.999, epsilon: 1e-5, weightDecay: 1e-4, maxGradNorm: 1 },
};

export const experiments: Record<ExperimentName, Experiment> = {
  hands: {
    title: 'Deformed hands',
    mark: '28.4 % → at most 13.9 %',
    source: { kind: 'groups', size: 7, bad: (verdict) => verdict.deformed },
    rounds: 2,
    perRound: 90,
    // Fingers are settled later than colours.
    training: { ...common, noisiestShare: 0.5 },
  },
  blood: {
    title: 'Images with blood',
    mark: '25.0 % → at most 3.0 %',
    source: { kind: 'groups', size: 7, bad: (verdict) => verdict.blood },
    rounds: 3,
    perRound: 60,
    training: common,
  },
  alignment: {
    title: 'Prompt-image alignment',
    mark: 'win rate against the base of at least 70.3 %',
    source: { kind: 'pairs' },
    rounds: 2,
    perRound: 500,
    training: { ...common, perStep: 100 },
  },
};
