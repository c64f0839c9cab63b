import { z } from 'zod';

/** Every training method Darkroom knows by name. */
export const methodNames = [
  'd3po',
  'draft',
  'draft-lv',
  'draft-plus',
  'drtune',
  'refl',
  'alignprop',
  'ddpo',
  'dpok',
  'spo',
  'diffusion-dpo',
  'kto',
] as const;

export const methodSchema = z.enum(methodNames);

export type Method = z.infer<typeof methodSchema>;

/**
 * Picks, for which a round draws images and waits for people; a reward, which it follows by itself; or the archive: what
 * people have said of the pipeline's images already, in any round or elsewhere.
 */
export type LearnsFrom = 'picks' | 'reward' | 'archive';

/** What a form says of a method. */
export interface MethodDescription {
  label: string;
  explanation: string;
  learnsFrom: LearnsFrom;
  /** What must be there before it can run. */
  needs: readonly string[];
}

const noPeople =
  'No people: a round trains at once and ends with its evaluation. An online run needs a number of rounds at most.';

const rewardNeeds = ['A reward that can be differentiated by pixels.', noPeople];

const policyGradientNeeds = [
  'Any reward: it is only a number here.',
  'Eta above 0: without noise in its steps a sampler has no probabilities to raise.',
  'Many images: what is likely is found by trying.',
  noPeople,
];

const archiveNeeds = [
  'Answers that are there already: given in earlier rounds of this pipeline, or imported. They are frozen when the round starts.',
  'No people: a round trains at once and ends with its evaluation. An online run needs a number of rounds at most.',
];

/** The methods that this version can run; a form offers these and the border refuses the others. */
export const methodDescriptions: Partial<Record<Method, MethodDescription>> = {
  d3po: {
    label: 'D3PO',
    explanation:
      'Direct preference optimisation of every denoising step. Learns from picks alone; no reward model.',
    learnsFrom: 'picks',
    needs: [
      'People who pick. Ties and “both bad” are kept, but only a pick trains.',
      'Eta above 0: without noise in its steps a sampler has no probabilities to compare.',
      'Training with as many inference steps as sampling; this form keeps them equal.',
    ],
  },
  draft: {
    label: 'DRaFT',
    explanation: 'The gradient of a reward through the last K steps of sampling, or through all.',
    learnsFrom: 'reward',
    needs: rewardNeeds,
  },
  'draft-lv': {
    label: 'DRaFT-LV',
    explanation: 'DRaFT through the last step, averaged over noised copies for less variance.',
    learnsFrom: 'reward',
    needs: rewardNeeds,
  },
  'draft-plus': {
    label: 'DRaFT+',
    explanation:
      'DRaFT held to the base policy by a KL penalty, which keeps images diverse while the reward rises.',
    learnsFrom: 'reward',
    needs: [
      ...rewardNeeds,
      'A KL coefficient on the scale of the reward. Its transition form needs eta above 0.',
    ],
  },
  drtune: {
    label: 'DRTune',
    explanation:
      'Equally spaced steps at once, the gradient stopped at the UNet’s input: reaches early steps at the memory of one.',
    learnsFrom: 'reward',
    needs: rewardNeeds,
  },
  refl: {
    label: 'ReFL',
    explanation: 'One random late step and its estimate of the image, with a hinge on the reward.',
    learnsFrom: 'reward',
    needs: [...rewardNeeds, 'A target on the scale of the reward.'],
  },
  alignprop: {
    label: 'AlignProp',
    explanation: 'The gradient of a reward through a chain cut at a random step.',
    learnsFrom: 'reward',
    needs: rewardNeeds,
  },
  ddpo: {
    label: 'DDPO',
    explanation:
      'Policy gradient: the steps of images that a reward prefers become likelier. The reward need not be differentiable.',
    learnsFrom: 'reward',
    needs: policyGradientNeeds,
  },
  dpok: {
    label: 'DPOK',
    explanation:
      'Policy gradient held to the base policy, with a network that learns which reward is to be expected.',
    learnsFrom: 'reward',
    needs: [...policyGradientNeeds, 'Weights of reward and KL on the scale of the reward.'],
  },
  'diffusion-dpo': {
    label: 'Diffusion-DPO',
    explanation:
      'Pairs of finished images, whoever drew them: the winner is to be denoised better than the loser, at random timesteps.',
    learnsFrom: 'archive',
    needs: [...archiveNeeds, 'Picks, or tagged groups. Ties and “both bad” say nothing to it.'],
  },
  kto: {
    label: 'Diffusion-KTO',
    explanation: 'Single finished images, each good or bad: no pairs needed.',
    learnsFrom: 'archive',
    needs: [
      ...archiveNeeds,
      'Good images and bad ones. Bad: flagged by a person and not rejected in review, tagged in a group, or in a pair of which both are bad. Good: no bad one, and untagged in a tagged group, or the winner of a pair.',
    ],
  },
  spo: {
    label: 'SPO',
    explanation:
      'D3PO’s loss on pairs formed at every denoising step: of several candidates for the next one, what a reward likes best against what it likes least.',
    learnsFrom: 'reward',
    needs: [
      'Any reward that makes sense of images that are not finished. SPO’s own knows how noisy a step is.',
      'A score scale that makes the reward the logit of a preference.',
      'Eta above 0: without noise in its steps there is one candidate only.',
      noPeople,
    ],
  },
};

export const availableMethods: readonly Method[] = methodNames.filter(
  (name) => methodDescriptions[name] !== undefined,
);

/** Methods that raise the probability of what was drawn and found good: they need noise in the steps. */
export type PolicyGradient = 'ddpo' | 'dpok';

export function isPolicyGradient(method: Method): method is PolicyGradient {
  return method === 'ddpo' || method === 'dpok';
}

/** What a round of the method learns from. */
export function sourceOf(method: Method): LearnsFrom {
  return methodDescriptions[method]?.learnsFrom ?? 'picks';
}

/** Methods that draw with the current weights, and then take several optimizer steps on what was drawn. */
export type DrawingMethod = PolicyGradient | 'spo';

export function isDrawingMethod(method: Method): method is DrawingMethod {
  return isPolicyGradient(method) || method === 'spo';
}

/** Whether a round of the method asks people. */
export function asksPeople(method: Method): boolean {
  return sourceOf(method) === 'picks';
}
