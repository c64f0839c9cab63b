import { choice, integer, real } from './setting';

/** What is trained and how it is optimised. Defaults: yk7333/d3po `config/base.py`. */
export const trainingSettings = {
  learningRate: real({
    label: 'Learning rate',
    explanation: 'Step size of AdamW.',
    default: 3e-5,
    min: 1e-9,
    max: 1,
  }),
  adamBeta1: real({
    label: 'AdamW beta 1',
    explanation: 'Decay of the running mean of gradients.',
    default: 0.9,
    min: 0,
    max: 0.9999,
  }),
  adamBeta2: real({
    label: 'AdamW beta 2',
    explanation: 'Decay of the running mean of squared gradients.',
    default: 0.999,
    min: 0,
    max: 0.99999,
  }),
  adamEpsilon: real({
    label: 'AdamW epsilon',
    explanation: 'Keeps the division by the root of the squared gradients finite.',
    default: 1e-8,
    min: 1e-12,
    max: 1e-2,
  }),
  secondMoment: choice({
    label: 'Second moment',
    explanation: 'What AdamW divides a step by, weight by weight.',
    default: 'step',
    choices: {
      step: ['Of the step', 'The gradient of the whole step, as AdamW does.'],
      runs: [
        'Of its runs',
        'How far the gradients within a step disagree: what pairs are at odds about moves little. For steps of many pairs.',
      ],
    },
  }),
  weightDecay: real({
    label: 'Weight decay',
    explanation: 'Shrinks trained weights by this share of the learning rate each step.',
    default: 1e-4,
    min: 0,
    max: 1,
  }),
  maxGradNorm: real({
    label: 'Gradient norm limit',
    explanation: 'Longer gradients are scaled down to this norm.',
    default: 1,
    min: 1e-6,
    max: 1e6,
  }),
  emaDecay: real({
    label: 'EMA decay',
    explanation:
      'Above 0, a round yields the moving average of its weights, of which so much remains after each step; less in the first steps, s / (9 + s) after step s, or 0.9999 would never leave the start. 0: the weights of the last step.',
    default: 0,
    min: 0,
    max: 0.999999,
  }),
  innerEpochs: integer({
    label: 'Inner epochs',
    explanation: 'How often a round goes over its training pairs, or over the images of a draw.',
    default: 1,
    min: 1,
    max: 1000,
    unit: 'passes',
  }),
  noisiestShare: real({
    label: 'Noisiest share',
    explanation:
      'Only this share of the denoising steps, from the noisiest on, is trained on. The last ones hardly change the image, but their log-probabilities are the largest by far.',
    default: 1,
    min: 0.01,
    max: 1,
  }),
  timestepFraction: real({
    label: 'Share of timesteps',
    explanation: 'Share of those steps trained on per pair or drawn image, at random for each.',
    default: 1,
    min: 0.01,
    max: 1,
  }),
  optimiserStep: choice({
    label: 'Optimiser step after',
    explanation: 'How many gradients are averaged before the weights move.',
    default: 'pair',
    choices: {
      pair: ['Pairs', 'All timesteps of the pairs in a step, as the official code does.'],
      timestep: ['Every timestep', 'Every timestep, as Algorithm 1 of the paper does.'],
    },
  }),
  pairsPerStep: integer({
    label: 'Pairs per step',
    explanation:
      'Pairs whose gradients are averaged into one optimiser step. A tagged group with all its pairs counts as one.',
    default: 1,
    min: 1,
    max: 10_000,
    unit: 'pairs',
  }),
  trainables: choice({
    label: 'What is trained',
    explanation: 'Which weights of the denoiser (UNet or transformer) may move.',
    default: 'attention',
    choices: {
      attention: [
        'Attention',
        'LoRA on query, key, value and output of every attention, as the official code.',
      ],
      'attention-ff-conv': [
        'Attention, feed-forward, convolutions',
        'LoRA on attention, feed-forward layers and convolutions.',
      ],
      full: ['All weights', 'Every weight. Only for small policies.'],
    },
  }),
  loraRank: integer({
    label: 'LoRA rank',
    explanation: 'Inner size of the adapters: more can change more, and overfits sooner.',
    default: 4,
    min: 1,
    max: 256,
  }),
  loraAlpha: real({
    label: 'LoRA alpha',
    explanation: 'The adapter counts alpha / rank times. Equal to the rank: once.',
    default: 4,
    min: 0.01,
    max: 1024,
  }),
  checkpointSeconds: real({
    label: 'Checkpoint every',
    explanation: 'Work that a crash may cost. Does not change the result.',
    default: 5,
    min: 0,
    max: 600,
    unit: 's',
  }),
} as const;
