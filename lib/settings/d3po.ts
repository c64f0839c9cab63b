import { choice, real, toggle } from './setting';

/**
 * D3PO's own settings (Yang et al., arXiv 2311.13231). Defaults: yk7333/d3po `config/base.py`.
 * Log-probabilities are means over latent dimensions, and beta and the clip range are on that scale.
 */
export const d3poSettings = {
  beta: real({
    label: 'Beta',
    explanation:
      'How sharply the loss tells winner from loser. On the scale of mean log-probabilities.',
    default: 0.1,
    min: 1e-6,
    max: 10_000,
  }),
  clip: toggle({
    label: 'Clip ratios',
    explanation:
      'Official: outside the clip range an image has no gradient, in neither direction. Off: the plain DPO loss per timestep.',
    default: true,
  }),
  clipRange: real({
    label: 'Clip range',
    explanation: 'Probability ratios are clamped to 1 plus or minus this.',
    default: 0.1,
    min: 1e-6,
    max: 0.99,
  }),
  referencePolicy: choice({
    label: 'Reference policy',
    explanation: 'What the trained policy is compared with inside the loss.',
    default: 'round',
    choices: {
      round: 'The policy the round started from, as the official human loop does.',
      base: 'The policy without any adapter; holds a long run close to where it began.',
    },
  }),
  guidanceInTraining: toggle({
    label: 'Guidance in training',
    explanation:
      'Train the guided prediction that sampling uses. Off halves the work but trains another policy than the one sampled.',
    default: true,
  }),
} as const;
