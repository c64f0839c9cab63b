import { type LearnsFrom, type Method, sourceOf } from '../methods';
import { diffusionDpoSettings, ktoSettings } from './archive-methods';
import { d3poSettings } from './d3po';
import { evaluationSettings, servingSettings } from './evaluation';
import { inferenceSettings } from './inference';
import { labelingSettings } from './labeling';
import { ddpoSettings, dpokSettings } from './policy-gradient';
import {
  alignPropSettings,
  draftLvSettings,
  draftPlusSettings,
  draftSettings,
  drTuneSettings,
  reflSettings,
  rewardSettings,
} from './reward-methods';
import { samplingSettings } from './sampling';
import type { ValuesOf } from './setting';
import { spoSettings } from './spo';
import { trainingSettings } from './training';

/** All settings, in the order in which a form shows them. A method's own stand under its name. */
export const settingGroups = {
  sampling: samplingSettings,
  labeling: labelingSettings,
  training: trainingSettings,
  reward: rewardSettings,
  d3po: d3poSettings,
  draft: draftSettings,
  'draft-lv': draftLvSettings,
  'draft-plus': draftPlusSettings,
  drtune: drTuneSettings,
  refl: reflSettings,
  alignprop: alignPropSettings,
  ddpo: ddpoSettings,
  dpok: dpokSettings,
  'diffusion-dpo': diffusionDpoSettings,
  kto: ktoSettings,
  inference: inferenceSettings,
  spo: spoSettings,
  evaluation: evaluationSettings,
  serving: servingSettings,
} as const;

export type GroupName = keyof typeof settingGroups;

export const groupDescriptions: Record<GroupName, { label: string; explanation: string }> = {
  sampling: { label: 'Sampling', explanation: 'How images are drawn.' },
  labeling: { label: 'Labeling', explanation: 'How answers are collected and weighed.' },
  training: { label: 'Training', explanation: 'What is trained, and how it is optimised.' },
  reward: {
    label: 'Reward steps',
    explanation: 'How often the weights move, and on how many images.',
  },
  d3po: { label: 'D3PO', explanation: 'The method that turns picks into gradients.' },
  draft: { label: 'DRaFT', explanation: 'How far back the gradient flows.' },
  'draft-lv': { label: 'DRaFT-LV', explanation: 'How the gradient is averaged.' },
  'draft-plus': { label: 'DRaFT+', explanation: 'How far back, and how close to the base.' },
  drtune: { label: 'DRTune', explanation: 'Which steps are trained.' },
  refl: { label: 'ReFL', explanation: 'Which step is trained, and up to which reward.' },
  alignprop: { label: 'AlignProp', explanation: 'Where the chain is cut.' },
  ddpo: { label: 'DDPO', explanation: 'What a reward counts against, and how far a step may go.' },
  dpok: { label: 'DPOK', explanation: 'Reward against distance from the base.' },
  'diffusion-dpo': { label: 'Diffusion-DPO', explanation: 'How all pairs there are are used.' },
  kto: { label: 'Diffusion-KTO', explanation: 'How good and bad images are used.' },
  inference: {
    label: 'Inference',
    explanation: 'How the new policy draws when it is evaluated.',
  },
  spo: { label: 'SPO', explanation: 'Which candidates become pairs, and how sharply they train.' },
  evaluation: { label: 'Evaluation', explanation: 'How the new policy is measured.' },
  serving: { label: 'Afterwards', explanation: 'What happens when a round is done.' },
};

const everywhere: readonly GroupName[] = ['sampling', 'training', 'evaluation', 'serving'];

const sharedBySource: Record<LearnsFrom, readonly GroupName[]> = {
  picks: ['labeling'],
  reward: ['reward', 'inference'],
  archive: [],
};

/** The groups that say anything to a method, in the order of a form. */
export function groupsOf(method: Method): GroupName[] {
  const shared = sharedBySource[sourceOf(method)];
  return (Object.keys(settingGroups) as GroupName[]).filter(
    (group) => group === method || shared.includes(group) || everywhere.includes(group),
  );
}

/** The values of all settings: `{ sampling: {…}, labeling: {…}, … }`. */
export type RunSettings = { [G in GroupName]: ValuesOf<(typeof settingGroups)[G]> };
