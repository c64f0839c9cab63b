/**
 * @file The settings of methods that learn from finished images and from what people have said of
 * them.
 */
import { d3poSettings } from './d3po';
import { labelingSettings } from './labeling';
import { choice, integer, real } from './setting';

/** What methods share that learn from finished images and from what people have said of them. */
export const finishedImagesSettings = {
  referencePolicy: choice({
    label: 'Reference policy',
    explanation: 'What the trained policy is compared with inside the loss.',
    default: 'round',
    choices: {
      round: ['The round’s start', 'The policy the round starts from, as the official code does.'],
      base: [
        'The base policy',
        'The policy without any adapter; holds a long run close to where it began.',
      ],
    },
  }),
  emptyPromptShare: real({
    label: 'Share of empty prompts',
    explanation:
      'So often an image is denoised without its prompt, so that the unguided half of sampling is trained, too.',
    default: 0.2,
    min: 0,
    max: 1,
  }),
  noise: choice({
    label: 'Noise',
    explanation: 'What finished images are noised with.',
    default: 'fresh',
    choices: {
      fresh: [
        'Fresh noise',
        'Drawn anew in each step, as the official codes do; one for all images of a pair.',
      ],
      start: [
        'What it was drawn from',
        'Each image’s own x_T, as PNAPO does; fresh for images drawn elsewhere.',
      ],
    },
  }),
  normHinge: real({
    label: 'Hinge on the norm',
    explanation:
      'Weight of what the policy’s prediction is larger than its reference’s, as a root mean square; where it is smaller costs nothing. 0: none, as the official codes. For when the ratio of norms rises above 1.05.',
    default: 0,
    min: 0,
    max: 1e6,
  }),
};

export const optimiserSteps = (official: number) =>
  integer({
    label: 'Optimiser steps',
    explanation: 'How often the weights move in a round.',
    default: official,
    min: 1,
    max: 1_000_000,
    unit: 'steps',
  });

/** Wallace et al. (arXiv 2311.12908); numbers as SalesforceAIResearch/DiffusionDPO has them. */
export const diffusionDpoSettings = {
  beta: real({
    label: 'Beta',
    explanation:
      'How closely the policy is held to its reference. On the scale of mean squared errors of the noise.',
    default: 5000,
    min: 1e-3,
    max: 1e7,
  }),
  capLoser: d3poSettings.capLoser,
  capMargin: d3poSettings.capMargin,
  ...finishedImagesSettings,
  agreementWeighting: labelingSettings.agreementWeighting,
  optimiserSteps: optimiserSteps(2000),
  pairsPerStep: integer({
    label: 'Pairs per step',
    explanation: 'Pairs whose gradients are averaged, each at a timestep of its own.',
    default: 2048,
    min: 1,
    max: 65_536,
    unit: 'pairs',
  }),
} as const;

/** Li et al. (arXiv 2404.04465); numbers as jacklishufan/diffusion-kto has them. */
export const ktoSettings = {
  beta: real({
    label: 'Beta',
    explanation:
      'How closely the policy is held to its reference. On the scale of mean squared errors of the noise.',
    default: 1000,
    min: 1e-3,
    max: 1e7,
  }),
  ...finishedImagesSettings,
  optimiserSteps: optimiserSteps(20_000),
  imagesPerStep: integer({
    label: 'Images per step',
    explanation:
      'Images whose gradients are averaged, each at a timestep of its own. The baseline is their mean, too: few make it noisy.',
    default: 64,
    min: 2,
    max: 65_536,
    unit: 'images',
  }),
  goodShare: real({
    label: 'Share of good images',
    explanation: 'So many images of a step are good ones, however many there are of either.',
    default: 0.8,
    min: 0.01,
    max: 0.99,
  }),
  goodWeight: real({
    label: 'Weight of a good image',
    explanation: 'Factor on the loss of a good image.',
    default: 1,
    min: 0,
    max: 1000,
  }),
  badWeight: real({
    label: 'Weight of a bad image',
    explanation: 'Factor on the loss of a bad image.',
    default: 1,
    min: 0,
    max: 1000,
  }),
} as const;
