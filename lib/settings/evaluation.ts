import { choice, integer } from './setting';

/** How a new policy is measured, on prompts and seeds that training never draws. */
export const evaluationSettings = {
  images: integer({
    label: 'Evaluation images',
    explanation: 'Images per policy. The 95 % interval of a rate narrows with their square root.',
    default: 200,
    min: 2,
    max: 100_000,
    unit: 'images',
  }),
  seed: integer({
    label: 'Evaluation seed',
    explanation: 'First seed of the evaluation images. The same for every policy of a run.',
    default: 1_000_003,
    min: 0,
    max: 2_147_483_647,
  }),
} as const;

/** What happens after a round. */
export const servingSettings = {
  rule: choice({
    label: 'Serve the new policy',
    explanation:
      'What an online run does by itself when a round is done. A single round never serves anything.',
    default: 'better',
    choices: {
      better: [
        'If it is better',
        'If the evaluation shows, beyond its 95 % interval, that it is better than the one that is served, and no reward was hacked. Until then the run goes on from its own policy, unless that got worse.',
      ],
      always: ['Always', 'Always.'],
      manual: [
        'By hand',
        'Only when a researcher says so: the next round starts from what is served.',
      ],
    },
  }),
  maxRounds: integer({
    label: 'Rounds at most',
    explanation: 'An online run ends after this many rounds. 0: it goes on until stopped.',
    default: 0,
    min: 0,
    max: 10_000,
    unit: 'rounds',
  }),
} as const;
