/**
 * @file Presets of the built-in pipeline: what suits a small network that draws hands. Its manifest
 * carries them.
 */
import type { Preset } from '@/lib/settings/presets';

const guidanceScale = {
  value: 2,
  because: 'At 5 pale skin turns white, and rare things, good and bad, disappear.',
} as const;

/** Of rounds that ask people. */
const fewAnswers = {
  pairsPerRound: { value: 50, because: 'A round trains after 50 picks: minutes, not hours.' },
  groupsPerRound: { value: 20, because: '140 images, tagged within minutes.' },
} as const;

const trainables = {
  value: 'attention-ff-conv',
  because: 'Shape sits in the convolutions.',
} as const;

const evaluation = {
  images: { value: 96, because: 'Drawn within a minute on two cores.' },
} as const;

/** Of methods that train on a round's finished images. */
const fewSteps = {
  optimiserSteps: { value: 40, because: 'Each of fifty pairs comes up a dozen times.' },
  groupsPerStep: { value: 16, because: 'Two runs of the graph for each step.' },
} as const;

/** Of rounds of fifty picks, whatever the loss of a step. */
const learningRate = {
  value: 6e-3,
  because: 'A round is one step of the optimizer, so the step is a large one.',
} as const;

const secondMoment = {
  value: 'runs',
  because: 'Only within a step can it be seen how sure its gradient is.',
} as const;

const noisiestShare = {
  value: 0.4,
  because:
    'Colours and shapes are settled in the first steps; the last ones add little but noise to the gradient.',
} as const;

const pairsPerStep = {
  value: 50,
  because: 'One pair says little about all weights; what all picks of a round agree on says more.',
} as const;

/** Of rounds that follow the gradient of a reward. */
const fewRewardSteps = {
  learningRate: {
    value: 1e-3,
    because: 'Some dozens of steps must suffice on a CPU.',
  },
  optimiserSteps: {
    value: 20,
    because: 'Minutes on two cores; many more, and it is hacked.',
  },
  referencePolicy: {
    value: 'round',
    because: 'A round after others keeps what they have learned.',
  },
} as const;

export const handsPresets = {
  hands: {
    label: 'Hands',
    explanation: 'What suits the built-in policy: small enough to train within minutes on a CPU.',
    methods: 'picks',
    departures: {
      sampling: {
        ...fewAnswers,
        guidanceScale,
        sharedNoise: {
          value: false,
          because:
            'At eta 1 most of a hand is settled on the way; two starts make two images differ more.',
        },
      },
      training: {
        learningRate,
        secondMoment,
        noisiestShare,
        pairsPerStep,
        trainables: {
          value: 'attention-ff-conv',
          because: 'Finger count is a matter of shape, which sits in the convolutions.',
        },
      },
      evaluation,
    },
  },
  'hands-differences': {
    label: 'Hands, by differences',
    explanation: 'For the built-in policy and methods that learn from images of one start.',
    methods: 'differences',
    departures: {
      sampling: { ...fewAnswers, guidanceScale },
      training: { learningRate, secondMoment, noisiestShare, pairsPerStep, trainables },
      evaluation,
    },
  },
  'hands-reward': {
    label: 'Hands, by a reward',
    explanation: 'For the built-in policy and methods that follow the gradient of a reward.',
    methods: 'reward',
    departures: {
      sampling: {
        guidanceScale,
        eta: { value: 0, because: 'Without noise on the way the gradient is the reward’s alone.' },
      },
      training: {
        learningRate: fewRewardSteps.learningRate,
        trainables,
      },
      reward: {
        optimiserSteps: fewRewardSteps.optimiserSteps,
      },
      'draft-plus': {
        truncation: { value: 2, because: 'The last step alone moves little.' },
        referencePolicy: fewRewardSteps.referencePolicy,
        klCoefficient: {
          value: 3,
          because:
            'For a reward learned from people, whose scores are logits: at 10 it moves half as far, at 1 it forgets the prompt (docs/results/methods.md).',
        },
      },
      evaluation,
    },
  },
  'hands-memoryless': {
    label: 'Hands, by adjoint matching',
    explanation: 'For the built-in policy and methods that follow a reward with all its noise.',
    methods: 'memoryless',
    departures: {
      sampling: { guidanceScale },
      training: { learningRate: fewRewardSteps.learningRate, trainables },
      reward: { optimiserSteps: fewRewardSteps.optimiserSteps },
      'adjoint-matching': {
        rewardWeight: {
          value: 1,
          because: 'A reward learned from people is a logit: at 1 images are as people choose.',
        },
        referencePolicy: fewRewardSteps.referencePolicy,
      },
      evaluation,
    },
  },
  'hands-policy-gradient': {
    label: 'Hands, by policy gradient',
    explanation:
      'For the built-in policy and methods that raise the probability of what a reward prefers.',
    methods: 'drawing',
    departures: {
      sampling: {
        guidanceScale,
      },
      training: {
        learningRate: {
          value: 3e-3,
          because: 'Some dozens of steps must suffice on a CPU.',
        },
        noisiestShare: {
          value: 0.4,
          because:
            'Colours and shapes are settled in the first steps; the last ones are clipped first and add little.',
        },
        trainables,
      },
      reward: {
        optimiserSteps: { value: 48, because: 'Twelve draws of 64 images.' },
      },
      ddpo: {
        clipRange: {
          value: 1e-3,
          because:
            'At this learning rate the official range clips most ratios after the first step of a draw.',
        },
        updatesPerDraw: { value: 4, because: 'Drawing takes longer than a step.' },
      },
      dpok: {
        clipRange: {
          value: 1e-3,
          because:
            'At this learning rate the official range clips most ratios after the first step of a draw.',
        },
        updatesPerDraw: { value: 4, because: 'Drawing takes longer than a step.' },
        valueLearningRate: { value: 1e-3, because: 'It, too, has a few dozen steps to learn in.' },
      },
      spo: {
        scoreScale: {
          value: 100,
          because:
            'Rewards of pixels differ by hundredths and less between candidates of one step.',
        },
        updatesPerDraw: { value: 4, because: 'Four of the first eight steps form pairs.' },
      },
      evaluation,
    },
  },
  'hands-graded': {
    label: 'Hands, by finished images',
    explanation: 'For the built-in policy and methods that train on a round’s finished images.',
    methods: 'graded',
    departures: {
      sampling: {
        ...fewAnswers,
        guidanceScale,
        sharedNoise: {
          value: false,
          because: 'Two starts make two images differ more.',
        },
      },
      training: {
        learningRate: { value: 1e-3, because: 'Some dozens of steps must suffice on a CPU.' },
        trainables,
      },
      nft: {
        beta: { value: 0.3, because: 'A round’s few images are to move the policy farther.' },
        oldRise: {
          value: 1,
          because:
            'Images are drawn once a round, so the old policy is the one that drew them; the next round’s is new.',
        },
        oldMost: { value: 1, because: 'It is held for the whole round.' },
        ...fewSteps,
      },
      dgpo: fewSteps,
      lair: fewSteps,
      evaluation,
    },
  },
  'hands-archive': {
    label: 'Hands, by all answers',
    explanation: 'For the built-in policy and methods that learn from answers that are there.',
    methods: 'archive',
    departures: {
      sampling: {
        guidanceScale,
      },
      training: {
        learningRate: { value: 3e-4, because: 'A hundred steps must suffice on a CPU.' },
        trainables,
      },
      'diffusion-dpo': {
        optimiserSteps: { value: 100, because: 'Minutes on two cores.' },
        pairsPerStep: { value: 32, because: 'A few runs of the graph for each step.' },
      },
      kto: {
        optimiserSteps: { value: 100, because: 'Minutes on two cores.' },
        goodShare: {
          value: 0.5,
          because: 'As much to unlearn as to learn: the baseline then lies between the two.',
        },
      },
      evaluation,
    },
  },
} as const satisfies Record<string, Preset>;
