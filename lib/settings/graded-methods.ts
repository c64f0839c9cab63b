/** @file The settings of methods that train on a round's finished images, each graded by people. */
import { finishedImagesSettings, optimiserSteps } from './archive-methods';
import { choice, integer, real } from './setting';

const gradedImagesSettings = {
  ...finishedImagesSettings,
  noise: choice({
    label: finishedImagesSettings.noise.label,
    explanation: finishedImagesSettings.noise.explanation,
    default: 'fresh',
    choices: {
      ...finishedImagesSettings.noise.choices,
      path: [
        'Its own path',
        'What was left at a step of each image’s own way from noise to image.',
      ],
    },
  }),
  emptyPromptShare: { ...finishedImagesSettings.emptyPromptShare, default: 0 },
  optimiserSteps: optimiserSteps(100),
  groupsPerStep: integer({
    label: 'Pairs or groups per step',
    explanation:
      'Their images’ gradients are averaged. Images of one pair or group are noised alike.',
    default: 48,
    min: 1,
    max: 65_536,
  }),
};

/**
 * DiffusionNFT's own settings (Zheng et al., arXiv 2509.16117); numbers as NVlabs/DiffusionNFT has
 * them, for Stable Diffusion 3.5.
 */
export const nftSettings = {
  beta: real({
    label: 'Beta',
    explanation:
      'How closely the policy is held to the old one: with half of it, the same answers move it about twice as far.',
    default: 1,
    min: 1e-3,
    max: 1000,
  }),
  klCoefficient: real({
    label: 'KL coefficient',
    explanation:
      'Weight of the mean squared distance from what the reference policy says of the same noised image.',
    default: 1e-4,
    min: 0,
    max: 1e6,
  }),
  oldRise: real({
    label: 'Old policy: rise of what remains',
    explanation:
      'The old policy, against which the loss measures, follows the trained one. After step s so much times s remains of it.',
    default: 0.001,
    min: 0,
    max: 1,
  }),
  oldMost: real({
    label: 'Old policy: most that remains',
    explanation:
      'The bound of that share. With 1, and a rise of 1, the old policy stays the one the round starts from.',
    default: 0.5,
    min: 0,
    max: 1,
  }),
  ...gradedImagesSettings,
} as const;

/**
 * DGPO's own settings (Luo et al., arXiv 2510.08425); numbers as published, for Stable Diffusion
 * 3.5.
 */
export const dgpoSettings = {
  beta: real({
    label: 'Beta',
    explanation:
      'How soon a group counts less once its good images are denoised better than its bad ones. On the scale of mean squared errors of the noise.',
    default: 100,
    min: 1e-3,
    max: 1e7,
  }),
  klCoefficient: { ...nftSettings.klCoefficient, default: 1e-3 },
  clipRange: real({
    label: 'Clip range',
    explanation:
      'An image ends teaching once its likelihood, e to the minus mean squared error, has grown or shrunk by this share since the round began.',
    default: 0.01,
    min: 1e-6,
    max: 0.99,
  }),
  ...gradedImagesSettings,
} as const;

/** Diffusion LAIR's own settings (Wang et al., arXiv 2605.26491); the numbers are ours. */
export const lairSettings = {
  beta: real({
    label: 'Beta',
    explanation:
      'How closely the policy is held to its reference: an image’s error ends up away from it by its advantage divided by this.',
    default: 1000,
    min: 1e-3,
    max: 1e7,
  }),
  temperature: real({
    label: 'Temperature',
    explanation:
      'How evenly advantages are spread: small, and what is above average is all at the best image; large, and every image counts by its share of comparisons won.',
    default: 0.5,
    min: 1e-3,
    max: 1000,
  }),
  ...gradedImagesSettings,
} as const;
