import { isAnalytic } from '../rewards';
import { leastEta } from './sampling';
import { choice, integer, real, type SettingProblem, toggle, type ValuesOf } from './setting';

/** What all methods share that follow the gradient of a reward through sampling. */
export const rewardSettings = {
  optimiserSteps: integer({
    label: 'Optimiser steps',
    explanation: 'How often the weights move in a round.',
    default: 50,
    min: 1,
    max: 100_000,
    unit: 'steps',
  }),
  imagesPerStep: integer({
    label: 'Images per step',
    explanation: 'Images drawn and scored for each step; their gradients are averaged.',
    default: 16,
    min: 1,
    max: 4096,
    unit: 'images',
  }),
} as const;

const truncation = integer({
  label: 'Truncation K',
  explanation:
    'The gradient flows through so many of the last steps. As many as are sampled: through all.',
  default: 1,
  min: 1,
  max: 1000,
  unit: 'steps',
});

/** Clark et al. (arXiv 2309.17400). */
export const draftSettings = { truncation } as const;

/** DRaFT-LV, same paper. */
export const draftLvSettings = {
  copies: integer({
    label: 'Noised copies n',
    explanation: 'How often the finished image is noised anew and its last step taken again.',
    default: 2,
    min: 1,
    max: 64,
  }),
} as const;

/** NVIDIA/NeMo-Aligner `draftp_sd.yaml`. */
export const draftPlusSettings = {
  truncation,
  klCoefficient: real({
    label: 'KL coefficient',
    explanation:
      'How strongly the policy is held to the reference, on the scale of the reward: 0.1 to 1 for scores of about 20, a hundredth of that for scores of about 1.',
    default: 1,
    min: 0,
    max: 1e6,
  }),
  referencePolicy: choice({
    label: 'Reference policy',
    explanation: 'What the penalty holds the policy to.',
    default: 'base',
    choices: {
      base: ['The base policy', 'The policy without any adapter, as NeMo-Aligner does.'],
      round: [
        'The round’s start',
        'The policy the round started from: what earlier rounds have learned is kept.',
      ],
    },
  }),
  klForm: choice({
    label: 'KL form',
    explanation: 'How the distance from the reference policy is measured.',
    default: 'noise',
    choices: {
      noise: [
        'Of predictions',
        'Squared difference of the guided predictions, as NeMo-Aligner does.',
      ],
      transition: ['Of transitions', 'The KL of the two transitions; needs eta above 0.'],
    },
  }),
  klBySpread: toggle({
    label: 'KL by spread',
    explanation:
      'An image of which the reward is unsure is held the stronger: by as much as a logit so unsure predicts less. Only a reward learned from people knows its spread. Off: official.',
    default: false,
  }),
} as const;

/** Why DRaFT+ cannot run so, with the remedy. */
export function draftPlusProblem({
  'draft-plus': { klForm, klBySpread },
  sampling: { eta },
  rewards,
}: {
  'draft-plus': Pick<ValuesOf<typeof draftPlusSettings>, 'klForm' | 'klBySpread'>;
  sampling: { eta: number };
  rewards: readonly { model: string }[];
}): SettingProblem | null {
  if (klBySpread && rewards.every(({ model }) => isAnalytic(model))) {
    return {
      at: 'draft-plus.klBySpread',
      says: 'A formula of the pixels is never unsure, so no spread says where to hold the policy. Name a reward learned from people, or turn this off.',
    };
  }
  if (klForm === 'noise' || eta >= leastEta) return null;
  return {
    at: 'draft-plus.klForm',
    says: `With eta ${eta} a transition has no density to measure. Take the KL form “Of predictions”, or set eta under Sampling to at least ${leastEta}.`,
  };
}

/** Wu et al. (arXiv 2405.00760); numbers as RuoyuWang-2077/FlowBP has them. */
export const drTuneSettings = {
  trainedSteps: integer({
    label: 'Trained steps K',
    explanation: 'Equally spaced steps that are trained in every rollout.',
    default: 3,
    min: 1,
    max: 1000,
    unit: 'steps',
  }),
  earlyStop: integer({
    label: 'Early stop m',
    explanation: 'The image is estimated at one of the last so many steps. 1: at the last.',
    default: 8,
    min: 1,
    max: 1000,
    unit: 'steps',
  }),
} as const;

/** Domingo-Enrich et al. (arXiv 2409.08861); numbers as microsoft/soc-fine-tuning-sd has them. */
export const adjointMatchingSettings = {
  rewardWeight: real({
    label: 'Reward weight',
    explanation:
      'How far the policy goes: in the end an image is e to the power of its reward times this likelier than by the reference policy. Official are 100 to 1,000 for scores of about 1.',
    default: 100,
    min: 1e-6,
    max: 1e6,
  }),
  trainedSteps: {
    ...drTuneSettings.trainedSteps,
    explanation: 'So many steps, drawn anew, are trained in every rollout.',
    default: 4,
  },
  referencePolicy: {
    ...draftPlusSettings.referencePolicy,
    explanation: 'Whose images the reward makes likelier or less likely.',
  },
} as const;

/** Why adjoint matching cannot run so, with the remedy. */
export function adjointMatchingProblem({
  sampling: { eta },
}: {
  sampling: { eta: number };
}): SettingProblem | null {
  if (eta === 1) return null;
  return {
    at: 'sampling.eta',
    says: `With eta ${eta} an image still says what noise it began with, and adjoint matching has no end that is known. Set it to 1.`,
  };
}

/** THUDM/ImageReward `ImageReward/ReFL.py`. */
export const reflSettings = {
  scale: real({
    label: 'Loss scale',
    explanation: 'Factor on the loss.',
    default: 1e-3,
    min: 1e-9,
    max: 1e6,
  }),
  target: real({
    label: 'Target',
    explanation: 'A reward beyond this pulls no more.',
    default: 2,
    min: -1e6,
    max: 1e6,
  }),
  lateShare: real({
    label: 'Late share',
    explanation: 'One step is drawn from this share of them, counted from the last.',
    default: 0.25,
    min: 0.001,
    max: 1,
  }),
} as const;

/** mihirp1998/AlignProp `config/alignprop_config.py`. */
export const alignPropSettings = {
  meanShare: real({
    label: 'Mean truncation',
    explanation: 'Where on average the gradient begins to flow, as a share of the steps.',
    default: 0.84,
    min: 0,
    max: 1,
  }),
  deviationShare: real({
    label: 'Spread of the truncation',
    explanation: 'Standard deviation of that place, as a share of the steps.',
    default: 0.1,
    min: 0,
    max: 1,
  }),
  scale: real({
    label: 'Loss scale',
    explanation: 'Factor on the loss.',
    default: 0.01,
    min: 1e-9,
    max: 1e6,
  }),
  target: real({
    label: 'Target',
    explanation: 'The loss is the distance to this reward; it moves nothing.',
    default: 10,
    min: -1e6,
    max: 1e6,
  }),
} as const;
