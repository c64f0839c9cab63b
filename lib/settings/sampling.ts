import { choice, integer, real, toggle } from './setting';

/** Below this the variance of a step is so small that a ratio of probabilities overflows. */
export const leastEta = 0.05;

/** Steps of a noise window, one at least. @param share of all steps */
export function windowSteps(share: number, steps: number): number {
  return Math.max(1, Math.round(share * steps));
}

/** How images are drawn for people to judge. Defaults: yk7333/d3po `config/base.py`. */
export const samplingSettings = {
  inferenceSteps: integer({
    label: 'Inference steps',
    explanation:
      'Denoising steps per image. Training must use the same number, or the log-probabilities do not belong to the images.',
    default: 20,
    min: 1,
    max: 200,
    unit: 'steps',
  }),
  eta: real({
    label: 'Eta',
    explanation:
      'Randomness of each step: the share of DDPM’s noise that DDIM puts on, or of a flow-matching model the noise level of its stochastic step, for which Flow-GRPO takes 0.7. At 0 a step has no probability density, so only the gradient of a reward can train on it.',
    default: 1,
    min: 0,
    max: 1,
  }),
  guidanceScale: real({
    label: 'Guidance scale',
    explanation: 'How strongly the prompt steers each step. 1 turns guidance off.',
    default: 5,
    min: 1,
    max: 30,
  }),
  imageWidth: integer({
    label: 'Image width',
    explanation:
      'With the height, the size that images are drawn, trained and measured at. Both 0: the pipeline’s own.',
    default: 0,
    min: 0,
    max: 8192,
    unit: 'pixels',
  }),
  imageHeight: integer({
    label: 'Image height',
    explanation: 'See width. A model draws best at the sizes it was trained at.',
    default: 0,
    min: 0,
    max: 8192,
    unit: 'pixels',
  }),
  batchImages: integer({
    label: 'Images per batch',
    explanation: 'Images denoised at once. More is faster and needs more memory.',
    default: 10,
    min: 1,
    max: 64,
    unit: 'images',
  }),
  pairSource: choice({
    label: 'Pairs from',
    explanation: 'Where the comparisons come from.',
    default: 'pairs',
    choices: {
      pairs: ['Pairs', 'Two images of one prompt; people pick the better one.'],
      groups: [
        'Groups',
        'Several images of one prompt; people tag the bad ones, and untagged beats tagged.',
      ],
    },
  }),
  groupSize: integer({
    label: 'Images per group',
    explanation: 'Only for groups. The D3PO paper uses seven.',
    default: 7,
    min: 2,
    max: 16,
    unit: 'images',
  }),
  sharedNoise: toggle({
    label: 'Same starting noise',
    explanation:
      'Images that are compared start from the same x_T and differ only in the noise of the steps, as the paper assumes. Off: they differ from the start, which makes them easier to tell apart.',
    default: true,
  }),
  noiseWindow: real({
    label: 'Noise window',
    explanation:
      'Share of the steps, in one row, at which images of the same starting noise get noise of their own; before and after they share it. It begins anywhere in the noisier half. The narrower, the more alike they are. 1: at all steps, as the paper has it.',
    default: 1,
    min: 0.01,
    max: 1,
  }),
  pairsPerRound: integer({
    label: 'Pairs per round',
    explanation: 'Only for pairs. How many are drawn and labeled before the round trains.',
    default: 200,
    min: 2,
    max: 100_000,
    unit: 'pairs',
  }),
  groupsPerRound: integer({
    label: 'Groups per round',
    explanation: 'Only for groups. How many are drawn and tagged before the round trains.',
    default: 143,
    min: 1,
    max: 100_000,
    unit: 'groups',
  }),
  keepTrajectories: choice({
    label: 'Keep trajectories',
    explanation:
      'How each image was denoised, step by step: nine tenths of what a round takes on the disk. Once a round is done, only the finished latents are read again, by Diffusion-DPO and KTO, and these always stay.',
    default: 'until-done',
    choices: {
      'until-done': ['Until the round is done', 'Until the round is done or cancelled.'],
      days: ['Some days', 'For some days after that, for a look at how images came to be.'],
      always: ['For good', 'For good.'],
    },
  }),
  trajectoryDays: integer({
    label: 'Days to keep trajectories',
    explanation: 'Only where they are kept for some days. Counted from the end of the round.',
    default: 7,
    min: 1,
    max: 3650,
    unit: 'days',
  }),
} as const;
