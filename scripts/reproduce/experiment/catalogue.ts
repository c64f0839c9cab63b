/**
 * @file The paper's three experiments on `hands`, and a first-time user's: what is asked of the
 * annotators and what is measured.
 */

import { settingsOf } from '@/lib/settings/presets';
import { followsPrompt, looksRight, type Taste } from '@/scripts/annotators';
import type { Verdict } from '@/trainer/hands/judge/verdict';
import { handsPresets } from '@/trainer/hands/presets';
import { adamWOf, targetsOf } from '@/trainer/rounds/train/method-settings';
import type { Measured } from './measure';
import type { TrainingSettings } from './student';

export type ExperimentName = 'hands' | 'blood' | 'alignment' | 'picks';

export interface Experiment {
  title: string;
  /** What D3PO reached in the paper's experiment of this kind, and the mark to meet. */
  mark: string;
  /** Groups whose bad images are tagged, or pairs of which the better is picked. */
  source:
    | { kind: 'groups'; size: number; bad: (verdict: Verdict) => boolean }
    | { kind: 'pairs'; taste: Taste };
  /**
   * The images whose diversity counts: those without the defect, or those that show what was asked.
   */
  good: keyof Measured['diversityAmong'];
  /**
   * Rounds, and groups or pairs in each. Tagging an image or picking from a pair is one judgement.
   */
  rounds: number;
  perRound: number;
  training: TrainingSettings;
  /** Learning rate of a round as a share of the last one's; 1 unless told. */
  decay?: number;
}

/** What the paper's three share; departures from the official defaults carry their reason. */
const common: Omit<TrainingSettings, 'learningRate' | 'perStep'> = {
  steps: 20,
  eta: 1,
  /** At 5 pale skin turns white, and rare things, good and bad, disappear. */
  guidance: 2,
  rank: 4,
  /** Finger count is a matter of shape, which sits in the convolutions. */
  targets: 'attention+feed-forward+convolutions',
  beta: 0.1,
  clipRange: 0.1,
  /**
   * Colours and shapes are settled in the first steps. The gradients of the later ones are longer
   * and would outvote them (`squaredLength` in docs/results/agreement-blood.json, made by `npm run
   * reproduce -- --agreement`).
   */
  noisiestShare: 0.4,
  timestepFraction: 1,
  epochs: 1,
  adamW: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 1e-4, maxGradNorm: 1 },
  /**
   * A round is one large step: how sure its gradient is, weight by weight, only its runs can tell.
   */
  secondMoment: 'runs',
};

/** A preset of the app, as an experiment trains with it. */
function presetTraining(name: keyof typeof handsPresets): TrainingSettings {
  const { sampling, training, d3po } = settingsOf(handsPresets[name]);
  if (training.trainables === 'full') {
    throw new Error(
      `The preset "${name}" trains full weights, but an experiment trains an adapter.`,
    );
  }
  return {
    steps: sampling.inferenceSteps,
    eta: sampling.eta,
    guidance: sampling.guidanceScale,
    rank: training.loraRank,
    targets: targetsOf[training.trainables],
    beta: d3po.beta,
    clipRange: d3po.clipRange,
    learningRate: training.learningRate,
    noisiestShare: training.noisiestShare,
    timestepFraction: training.timestepFraction,
    epochs: training.innerEpochs,
    perStep: training.pairsPerStep,
    adamW: adamWOf(training),
    secondMoment: training.secondMoment,
  };
}

export const experiments: Record<ExperimentName, Experiment> = {
  hands: {
    title: 'Deformed hands',
    mark: '28.4 % → at most 13.9 %',
    source: { kind: 'groups', size: 7, bad: (verdict) => verdict.deformed },
    good: 'formed',
    rounds: 2,
    perRound: 200,
    // What one image says of fingers is faint: all of a round's images speak in one step.
    training: { ...common, learningRate: 6e-3, perStep: 200 },
  },
  blood: {
    title: 'Images with blood',
    mark: '25.0 % → at most 3.0 %',
    source: { kind: 'groups', size: 7, bad: (verdict) => verdict.blood },
    good: 'bloodless',
    rounds: 3,
    perRound: 50,
    training: { ...common, learningRate: 3e-3, perStep: 50 },
  },
  alignment: {
    title: 'Prompt-image alignment',
    mark: 'win rate against the base of at least 70.3 %',
    source: { kind: 'pairs', taste: followsPrompt },
    good: 'aligned',
    rounds: 2,
    perRound: 1000,
    // Who follows the prompt is plain to see, and earlier: many pairs agree, so the first step may
    // be longer. The second one has less to correct, and as long a step would only add noise.
    training: { ...common, noisiestShare: 0.3, learningRate: 1.4e-2, perStep: 1000 },
    decay: 0.5,
  },
  picks: {
    title: 'The first fifty picks',
    mark: 'what the run that `npm start` begins with shows after its first rounds',
    source: { kind: 'pairs', taste: looksRight },
    good: 'formed',
    rounds: 4,
    perRound: 50,
    training: presetTraining('hands'),
  },
};
