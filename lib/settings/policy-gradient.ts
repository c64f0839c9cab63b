import { integer, real, type SettingProblem, toggle, type ValuesOf } from './setting';

const clipRange = real({
  label: 'Clip range',
  explanation:
    'Probability ratios are held to 1 plus or minus this. On the scale of mean log-probabilities, where 0.0001 is wide.',
  default: 1e-4,
  min: 1e-7,
  max: 0.99,
});

/** Black et al. (arXiv 2305.13301); numbers as kvablack/ddpo-pytorch `config/base.py` has them. */
export const ddpoSettings = {
  clipRange,
  advantageClip: real({
    label: 'Advantage limit',
    explanation:
      'Advantages, in standard deviations of the reward, are held to plus or minus this.',
    default: 5,
    min: 0.01,
    max: 1e6,
  }),
  updatesPerDraw: integer({
    label: 'Steps per draw',
    explanation:
      'Optimiser steps on the images of one draw, each on its own images. After the first the policy is no longer the one that drew.',
    default: 2,
    min: 1,
    max: 1000,
    unit: 'steps',
  }),
  perPrompt: toggle({
    label: 'Compare within prompts',
    explanation:
      'A reward counts against the last ones of the same prompt, so that easy prompts do not drown hard ones. Off: against its draw.',
    default: true,
  }),
  buffer: integer({
    label: 'Rewards remembered',
    explanation: 'So many of the last rewards of a prompt are what a new one is compared with.',
    default: 16,
    min: 2,
    max: 100_000,
  }),
  minimum: integer({
    label: 'Rewards needed',
    explanation: 'While fewer are known of a prompt, a reward counts against its draw.',
    default: 16,
    min: 2,
    max: 100_000,
  }),
} as const;

/** Why DDPO cannot run so, with the remedy. */
export function ddpoProblem({
  ddpo,
  reward,
}: {
  ddpo: Pick<ValuesOf<typeof ddpoSettings>, 'updatesPerDraw' | 'perPrompt' | 'buffer' | 'minimum'>;
  reward: { imagesPerStep: number };
}): SettingProblem | null {
  if (reward.imagesPerStep * ddpo.updatesPerDraw === 1) {
    return {
      at: 'ddpo.updatesPerDraw',
      says: 'DDPO compares the images of a draw, but it would draw one. Set the images per step or the steps per draw to at least 2.',
    };
  }
  if (ddpo.perPrompt && ddpo.buffer < ddpo.minimum) {
    return {
      at: 'ddpo.buffer',
      says: `${ddpo.minimum} rewards of a prompt are needed, but only ${ddpo.buffer} are remembered, so they would never count. Remember at least ${ddpo.minimum}.`,
    };
  }
  return null;
}

/**
 * Fan et al. (arXiv 2305.16381); numbers as google-research/google-research
 * `dpok/train_online_pg.py` has them.
 */
export const dpokSettings = {
  clipRange,
  rewardWeight: real({
    label: 'Reward weight',
    explanation:
      'Factor on the reward’s part of the loss. Official: 10 for one prompt, 1000 for many.',
    default: 100,
    min: 0,
    max: 1e6,
  }),
  klWeight: real({
    label: 'KL weight',
    explanation:
      'Factor on the distance from the policy without any adapter: the squared difference of the guided predictions.',
    default: 0.01,
    min: 0,
    max: 1e6,
  }),
  updatesPerDraw: integer({
    label: 'Steps per draw',
    explanation: 'Optimiser steps on the images of one draw, each on its own images.',
    default: 5,
    min: 1,
    max: 1000,
    unit: 'steps',
  }),
  valueBaseline: toggle({
    label: 'Value network',
    explanation:
      'A small network learns which reward is to be expected; what counts is by how much an image exceeds it. Off: the reward itself counts.',
    default: true,
  }),
  valueLearningRate: real({
    label: 'Learning rate of the value network',
    explanation: 'Step size of its own AdamW.',
    default: 1e-4,
    min: 1e-9,
    max: 1,
  }),
  valueSteps: integer({
    label: 'Steps of the value network',
    explanation: 'Its optimiser steps per draw.',
    default: 5,
    min: 1,
    max: 1000,
    unit: 'steps',
  }),
} as const;
