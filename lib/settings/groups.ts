import { d3poSettings } from './d3po';
import { evaluationSettings, servingSettings } from './evaluation';
import { labelingSettings } from './labeling';
import { samplingSettings } from './sampling';
import type { ValuesOf } from './setting';
import { trainingSettings } from './training';

/** All settings, in the order in which a form shows them. */
export const settingGroups = {
  sampling: samplingSettings,
  labeling: labelingSettings,
  training: trainingSettings,
  d3po: d3poSettings,
  evaluation: evaluationSettings,
  serving: servingSettings,
} as const;

export type GroupName = keyof typeof settingGroups;

export const groupDescriptions: Record<GroupName, { label: string; explanation: string }> = {
  sampling: { label: 'Sampling', explanation: 'How images are drawn for people to judge.' },
  labeling: { label: 'Labeling', explanation: 'How answers are collected and weighed.' },
  training: { label: 'Training', explanation: 'What is trained, and how it is optimised.' },
  d3po: { label: 'D3PO', explanation: 'The method that turns picks into gradients.' },
  evaluation: { label: 'Evaluation', explanation: 'How the new policy is measured.' },
  serving: { label: 'Afterwards', explanation: 'What happens when a round is done.' },
};

/** The values of all settings: `{ sampling: {…}, labeling: {…}, … }`. */
export type RunSettings = { [G in GroupName]: ValuesOf<(typeof settingGroups)[G]> };
