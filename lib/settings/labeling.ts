import { choice, integer, real } from './setting';

/** How people's answers are collected and weighed. */
export const labelingSettings = {
  annotatorsPerPair: integer({
    label: 'Annotators per pair',
    explanation: 'How many people judge each pair. More than one makes agreement measurable.',
    default: 1,
    min: 1,
    max: 50,
    unit: 'people',
  }),
  agreementWeighting: choice({
    label: 'Weight of a pair',
    explanation: 'What several answers to one pair amount to in training.',
    default: 'agreement',
    choices: {
      agreement: [
        'By agreement',
        'The margin of the majority: 1 when all agree, 1/3 for two against one.',
      ],
      majority: ['Majority', 'Every pair with a majority counts fully.'],
    },
  }),
  labelSmoothing: choice({
    label: 'Label smoothing',
    explanation:
      'How likely a label is held to be wrong, so that training stops at that much doubt (cDPO). Two people against one already count less by the weight of a pair; take “majority” there to doubt once.',
    default: 'none',
    choices: {
      none: ['None', 'Official: labels are right.'],
      fixed: ['The same for all', 'Every label by the error rate below.'],
      reliability: [
        'By annotator',
        'By who gave it: what gold pairs and agreement with others say of each annotator, together.',
      ],
    },
  }),
  labelErrorRate: real({
    label: 'Error rate',
    explanation:
      'How often an answer is wrong: of every label, or of an annotator of whom nothing is known. One person agrees with the label in 78 % of HPD v2’s test pairs.',
    default: 0.2,
    min: 0.01,
    max: 0.49,
  }),
  undoWindowSeconds: integer({
    label: 'Undo window',
    explanation: 'How long an answer can be taken back. Younger answers are not trained on.',
    default: 20,
    min: 0,
    max: 3600,
    unit: 's',
  }),
  leaseSeconds: integer({
    label: 'Lease',
    explanation: 'How long a pair is held for one person who does not answer.',
    default: 120,
    min: 10,
    max: 3600,
    unit: 's',
  }),
  goldShare: real({
    label: 'Gold share',
    explanation:
      'Share of served pairs that show an image beside a spoiled copy of itself: they measure annotators and train nothing.',
    default: 0,
    min: 0,
    max: 0.5,
  }),
} as const;
