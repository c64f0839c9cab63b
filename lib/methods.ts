/** @file The methods, a row each: what a form says of them, how they train, and their settings. */
import { z } from 'zod';
import { diffusionDpoSettings, ktoSettings } from './settings/archive-methods';
import { d3poSettings } from './settings/d3po';
import { fdfoSettings } from './settings/fdfo';
import { dgpoSettings, lairSettings, nftSettings } from './settings/graded-methods';
import { ddpoSettings, dpokSettings } from './settings/policy-gradient';
import {
  adjointMatchingSettings,
  alignPropSettings,
  draftLvSettings,
  draftPlusSettings,
  draftSettings,
  drTuneSettings,
  reflSettings,
} from './settings/reward-methods';
import type { SettingGroup } from './settings/setting';
import { spoSettings } from './settings/spo';

/**
 * Picks, for which a round draws images and waits for people; a reward, which it follows by itself;
 * or the archive: what people have said of the pipeline's images already, in any round or
 * elsewhere.
 */
export type LearnsFrom = 'picks' | 'reward' | 'archive';

/**
 * The ways to train that there are, and what a round of each learns from. A method is a loss for
 * one of them.
 */
const trainingKinds = {
  /** Every step of pairs that people judged. */
  pairs: 'picks',
  /** A reward's gradient, back through sampling. */
  'reward-gradient': 'reward',
  /** Images drawn and scored, then several optimizer steps on them. */
  'policy-gradient': 'reward',
  /** Candidates of every step, paired by a reward. */
  'step-pairs': 'reward',
  /** Finished images of a round, each by how many of its comparisons it won, noised anew. */
  'graded-images': 'picks',
  /** Pairs of finished images, noised anew. */
  'finished-pairs': 'archive',
  /** Good and bad finished images, noised anew. */
  'finished-images': 'archive',
} as const satisfies Record<string, LearnsFrom>;

export type TrainingKind = keyof typeof trainingKinds;

export interface MethodRow {
  training: TrainingKind;
  label: string;
  explanation: string;
  /** What must be there before it can run. */
  needs: readonly string[];
  settings: SettingGroup;
  /** What its settings are about. */
  settingsAre: string;
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

const gradedNeeds = [
  'People who pick or tag. A tie inside a group counts half; a pair that nobody decided is left out.',
  'No eta and no number of steps of its own: how an image was drawn is of no account.',
  'More steps on more images than D3PO: each is noised to one timestep only.',
];

const groupNeeds = [
  'Groups, by preference: under Sampling, pairs from groups. A pair is a group of two, of which one is as far above as the other below.',
];

/** Every method, in the order of a form. Names, forms, schemas and trainings follow from it. */
export const methods = {
  d3po: {
    training: 'pairs',
    label: 'D3PO',
    explanation:
      'Direct preference optimisation of every denoising step. Learns from picks alone; no reward model.',
    needs: [
      'People who pick. Ties and “both bad” are kept, but only a pick trains.',
      'Eta above 0: without noise in its steps a sampler has no probabilities to compare.',
      'Training with as many inference steps as sampling; this form keeps them equal.',
    ],
    settings: d3poSettings,
    settingsAre: 'The method that turns picks into gradients.',
  },
  fdfo: {
    training: 'pairs',
    label: 'FDFO',
    explanation:
      'Finite differences: every prediction on the way to two images moves along their difference, from loser to winner. No reference policy is run.',
    needs: [
      'People who pick. Ties and “both bad” are kept, but only a pick trains.',
      'Two images of one starting noise: they differ by the noise of their steps alone, in as many as the noise window is wide. The round’s page says how often people see no difference.',
      'Eta above 0: without noise in its steps the two would be the same.',
      'Training with as many inference steps as sampling; this form keeps them equal.',
    ],
    settings: fdfoSettings,
    settingsAre: 'How far a prediction goes.',
  },
  nft: {
    training: 'graded-images',
    label: 'DiffusionNFT',
    explanation:
      'Finished images, each by the share of its comparisons that it won, noised anew: towards those that won, away from those that lost.',
    needs: gradedNeeds,
    settings: nftSettings,
    settingsAre: 'How far graded images move the policy, and against which old one.',
  },
  dgpo: {
    training: 'graded-images',
    label: 'DGPO',
    explanation:
      'Whole groups of finished images at once: each by how far it stands above or below its group, the group by how much of that is still to be learned.',
    needs: [...gradedNeeds, ...groupNeeds],
    settings: dgpoSettings,
    settingsAre: 'How groups are weighed, and how far an image may go.',
  },
  lair: {
    training: 'graded-images',
    label: 'Diffusion LAIR',
    explanation:
      'Whole groups of finished images at once: each moves as far from the reference as its advantage in the group says, and no further.',
    needs: [...gradedNeeds, ...groupNeeds],
    settings: lairSettings,
    settingsAre: 'How advantages are taken, and how far they move the policy.',
  },
  draft: {
    training: 'reward-gradient',
    label: 'DRaFT',
    explanation: 'The gradient of a reward through the last K steps of sampling, or through all.',
    needs: rewardNeeds,
    settings: draftSettings,
    settingsAre: 'How far back the gradient flows.',
  },
  'draft-lv': {
    training: 'reward-gradient',
    label: 'DRaFT-LV',
    explanation: 'DRaFT through the last step, averaged over noised copies for less variance.',
    needs: rewardNeeds,
    settings: draftLvSettings,
    settingsAre: 'How the gradient is averaged.',
  },
  'draft-plus': {
    training: 'reward-gradient',
    label: 'DRaFT+',
    explanation:
      'DRaFT held to the base policy by a KL penalty, which keeps images diverse while the reward rises.',
    needs: [
      ...rewardNeeds,
      'A KL coefficient on the scale of the reward. Its transition form needs eta above 0.',
    ],
    settings: draftPlusSettings,
    settingsAre: 'How far back, and how close to the base.',
  },
  'adjoint-matching': {
    training: 'reward-gradient',
    label: 'Adjoint matching',
    explanation:
      'Makes an image of the reference policy likelier as its reward is higher, and no more than that: a reward followed with the variety that it leaves.',
    needs: [
      ...rewardNeeds,
      'Eta 1: an image must not say what noise it began with. A flow-matching model comes near to that only.',
      'A weight on the scale of the reward. It takes the place of a KL coefficient.',
    ],
    settings: adjointMatchingSettings,
    settingsAre: 'How far the reward goes, and from which policy.',
  },
  drtune: {
    training: 'reward-gradient',
    label: 'DRTune',
    explanation:
      'Equally spaced steps at once, the gradient stopped at the UNet’s input: reaches early steps at the memory of one.',
    needs: rewardNeeds,
    settings: drTuneSettings,
    settingsAre: 'Which steps are trained.',
  },
  refl: {
    training: 'reward-gradient',
    label: 'ReFL',
    explanation: 'One random late step and its estimate of the image, with a hinge on the reward.',
    needs: [...rewardNeeds, 'A target on the scale of the reward.'],
    settings: reflSettings,
    settingsAre: 'Which step is trained, and up to which reward.',
  },
  alignprop: {
    training: 'reward-gradient',
    label: 'AlignProp',
    explanation: 'The gradient of a reward through a chain cut at a random step.',
    needs: rewardNeeds,
    settings: alignPropSettings,
    settingsAre: 'Where the chain is cut.',
  },
  ddpo: {
    training: 'policy-gradient',
    label: 'DDPO',
    explanation:
      'Policy gradient: the steps of images that a reward prefers become likelier. The reward need not be differentiable.',
    needs: policyGradientNeeds,
    settings: ddpoSettings,
    settingsAre: 'What a reward counts against, and how far a step may go.',
  },
  dpok: {
    training: 'policy-gradient',
    label: 'DPOK',
    explanation:
      'Policy gradient held to the base policy, with a network that learns which reward is to be expected.',
    needs: [...policyGradientNeeds, 'Weights of reward and KL on the scale of the reward.'],
    settings: dpokSettings,
    settingsAre: 'Reward against distance from the base.',
  },
  spo: {
    training: 'step-pairs',
    label: 'SPO',
    explanation:
      'D3PO’s loss on pairs formed at every denoising step: of several candidates for the next one, what a reward likes best against what it likes least.',
    needs: [
      'Any reward that makes sense of images that are not finished. SPO’s own knows how noisy a step is.',
      'A score scale that makes the reward the logit of a preference.',
      'Eta above 0: without noise in its steps there is one candidate only.',
      noPeople,
    ],
    settings: spoSettings,
    settingsAre: 'Which candidates become pairs, and how sharply they train.',
  },
  'diffusion-dpo': {
    training: 'finished-pairs',
    label: 'Diffusion-DPO',
    explanation:
      'Pairs of finished images, whoever drew them: the winner is to be denoised better than the loser, at random timesteps.',
    needs: [...archiveNeeds, 'Picks, or tagged groups. Ties and “both bad” say nothing to it.'],
    settings: diffusionDpoSettings,
    settingsAre: 'How all pairs there are are used.',
  },
  kto: {
    training: 'finished-images',
    label: 'Diffusion-KTO',
    explanation: 'Single finished images, each good or bad: no pairs needed.',
    needs: [
      ...archiveNeeds,
      'Good images and bad ones. Bad: flagged by a person and not rejected in review, tagged in a group, or in a pair of which both are bad. Good: no bad one, and untagged in a tagged group, or the winner of a pair.',
    ],
    settings: ktoSettings,
    settingsAre: 'How good and bad images are used.',
  },
} as const satisfies Record<string, MethodRow>;

export type Method = keyof typeof methods;

export const methodNames = Object.keys(methods) as readonly Method[];

export const methodSchema = z.enum(methodNames);

/** The methods that train in one of these ways. */
export type MethodOf<Kind extends TrainingKind> = {
  [M in Method]: (typeof methods)[M]['training'] extends Kind ? M : never;
}[Method];

/** Whether a method trains in one of these ways. */
export function trainsBy<Kind extends TrainingKind>(
  method: Method,
  ...kinds: readonly Kind[]
): method is MethodOf<Kind> {
  return (kinds as readonly TrainingKind[]).includes(methods[method].training);
}

/** What a round of the method learns from. */
export function sourceOf(method: Method): LearnsFrom {
  return trainingKinds[methods[method].training];
}

/**
 * Methods that draw with the current weights, and then take several optimizer steps on what was
 * drawn.
 */
export type DrawingMethod = MethodOf<'policy-gradient' | 'step-pairs'>;

export function isDrawingMethod(method: Method): method is DrawingMethod {
  return trainsBy(method, 'policy-gradient', 'step-pairs');
}

/** Whether a round of the method asks people. */
export function asksPeople(method: Method): boolean {
  return sourceOf(method) === 'picks';
}
