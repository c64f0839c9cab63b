import { choice, real, toggle } from './setting';

/**
 * D3PO's own settings (Yang et al., arXiv 2311.13231). Defaults: yk7333/d3po `config/base.py`.
 * Log-probabilities are means over latent dimensions, and beta and the clip range are on that
 * scale.
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
  clipForm: choice({
    label: 'Clip of ratios',
    explanation:
      'What happens to the ratio of an image that the clip range does not hold any more.',
    default: 'hard',
    choices: {
      hard: ['Hard', 'Official: outside the range an image has no gradient, in neither direction.'],
      soft: ['Soft', 'A smooth bound: the gradient shrinks outside the range, but never ends.'],
      'ppo-min': [
        'As PPO',
        'PPO’s bound: the gradient ends only where an image has gone far enough; one that drifted the wrong way is pulled back.',
      ],
      none: ['None', 'The plain DPO loss per timestep.'],
    },
  }),
  clipRange: real({
    label: 'Clip range',
    explanation: 'Probability ratios are held within 1 plus or minus this.',
    default: 0.1,
    min: 1e-6,
    max: 0.99,
  }),
  capLoser: toggle({
    label: 'Cap on losers',
    explanation:
      'Losers are pushed no harder than lets their winners gain, as in Diffusion-SDPO: where the two are alike, pushing one away pushes both. Off: official.',
    default: false,
  }),
  capMargin: real({
    label: 'Margin of the cap',
    explanation:
      'The share of its gain by itself that a winner keeps at least. Diffusion-SDPO takes 0.9 for Stable Diffusion 1.5.',
    default: 0.9,
    min: 0,
    max: 1,
  }),
  timestepWeighting: choice({
    label: 'Weight of timesteps',
    explanation:
      'What a timestep’s log-ratios are multiplied by before the clip. The step before the last drifts 20 to 70 times as far as the others, and is clipped first.',
    default: 'uniform',
    choices: {
      uniform: ['All alike', 'Official: none.'],
      'equal-slope': [
        'Equal slope',
        'By how far a small change of the network’s output moves each log-ratio: all move alike.',
      ],
      'equal-kl': [
        'Equal KL',
        'By the KL divergence of each step: the same drift costs every step alike.',
      ],
    },
  }),
  referencePolicy: choice({
    label: 'Reference policy',
    explanation: 'What the trained policy is compared with inside the loss.',
    default: 'round',
    choices: {
      round: [
        'The round’s start',
        'The policy the round started from, as the official human loop does.',
      ],
      base: [
        'The base policy',
        'The policy without any adapter; holds a long run close to where it began.',
      ],
    },
  }),
  guidanceInTraining: toggle({
    label: 'Guidance in training',
    explanation:
      'Train the guided prediction that sampling uses. Off halves the work but trains another policy than the one sampled.',
    default: true,
  }),
} as const;
