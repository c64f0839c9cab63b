import { type LearnsFrom, type Method, methods, sourceOf } from '../methods';
import { evaluationSettings, servingSettings } from './evaluation';
import { inferenceSettings } from './inference';
import { labelingSettings } from './labeling';
import { rewardSettings } from './reward-methods';
import { samplingSettings } from './sampling';
import type { ValuesOf } from './setting';
import { trainingSettings } from './training';

const methodRows = Object.entries(methods) as [Method, (typeof methods)[Method]][];

const ofMethods = Object.fromEntries(
  methodRows.map(([name, { settings }]) => [name, settings]),
) as { [M in Method]: (typeof methods)[M]['settings'] };

/** All settings, in the order in which a form shows them. A method's own stand under its name. */
export const settingGroups = {
  sampling: samplingSettings,
  labeling: labelingSettings,
  training: trainingSettings,
  reward: rewardSettings,
  ...ofMethods,
  inference: inferenceSettings,
  evaluation: evaluationSettings,
  serving: servingSettings,
} as const;

export type GroupName = keyof typeof settingGroups;

interface GroupDescription {
  label: string;
  explanation: string;
}

export const groupDescriptions: Record<GroupName, GroupDescription> = {
  sampling: { label: 'Sampling', explanation: 'How images are drawn.' },
  labeling: { label: 'Labeling', explanation: 'How answers are collected and weighed.' },
  training: { label: 'Training', explanation: 'What is trained, and how it is optimised.' },
  reward: {
    label: 'Reward steps',
    explanation: 'How often the weights move, and on how many images.',
  },
  ...(Object.fromEntries(
    methodRows.map(([name, { label, settingsAre }]) => [name, { label, explanation: settingsAre }]),
  ) as Record<Method, GroupDescription>),
  inference: {
    label: 'Inference',
    explanation: 'How the new policy draws when it is evaluated.',
  },
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
