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
  guidance: 2,
  rank: 4,
  /** Finger count is a matter of shape, which sits in the convolutions. */
  targets: 'attention+feed-forward+convolutions',
  beta: 0.1,
  clipRange: 0.1,
  /** The policy is 250 times smaller than Stable Diffusion and takes larger steps. */
  learningRate: 3e-4,
  /** The last steps hardly change the image, yet their small sigma makes their log-probabilities the largest. */
  noisiestShare: 0.75,
  /** Half of those, drawn anew for every example: twice the examples in the same time. */
  timestepFraction: 0.5,
  epochs: 1,
  perStep: 4,
  adamW: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 1e-4, maxGradNorm: 1 },
};

export const experiments: Record<ExperimentName, Experiment> = {
  hands: {
    title: 'Deformed hands',
    mark: '28.4 % → at most 13.9 %',
    source: { kind: 'groups', size: 7, bad: (verdict) => verdict.deformed },
    rounds: 4,
    perRound: 100,
    training: common,
  },
  blood: {
    title: 'Images with blood',
    mark: '25.0 % → at most 3.0 %',
    source: { kind: 'groups', size: 7, bad: (verdict) => verdict.blood },
    rounds: 4,
    perRound: 100,
    training: common,
  },
  alignment: {
    title: 'Prompt-image alignment',
    mark: 'win rate against the base of at least 70.3 %',
    source: { kind: 'pairs' },
    rounds: 4,
    perRound: 700,
    training: { ...common, perStep: 14 },
  },
};
