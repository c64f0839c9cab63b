import { choice, real } from './setting';

/**
 * Annealed importance guidance: how a policy that follows a reward is drawn when it is evaluated.
 * Names and defaults: NVIDIA/NeMo-Aligner `anneal_sdxl.py`. What people label and what training
 * draws is never annealed: its probabilities would belong to no one policy.
 */
export const inferenceSettings = {
  annealing: choice({
    label: 'Annealed guidance',
    explanation:
      'How much of the trained policy counts at step i of T; the base counts the rest. Early steps from the base keep images diverse, late ones from the policy earn the reward. A step that takes both runs both.',
    default: 'draft',
    choices: {
      base: ['Base policy', '0: the base policy at every step.'],
      draft: ['Trained policy', '1: the trained policy at every step.'],
      linear: ['Linear', 'i / T.'],
      power: ['Power', '(i / T) to the power of the exponent: the base for longer.'],
      step: [
        'Step',
        '0 up to the threshold, then 1: one policy, then the other, so nothing runs twice.',
      ],
    },
  }),
  exponent: real({
    label: 'Exponent',
    explanation: 'Only for power. NeMo tries 2 and 4.',
    default: 2,
    min: 0.01,
    max: 100,
  }),
  threshold: real({
    label: 'Threshold',
    explanation: 'Only for step: the share of steps after which the trained policy takes over.',
    default: 0.6,
    min: 0,
    max: 1,
  }),
} as const;
