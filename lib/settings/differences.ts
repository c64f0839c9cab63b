import { type Method, sourceOf } from '../methods';
import type { RewardTerm } from '../rewards';
import { type GroupName, groupsOf, settingGroups } from './groups';
import type { RunConfig } from './run-config';
import type { Setting } from './setting';

/** One thing that differs between two configurations, as text for people. */
export interface ConfigDifference {
  /** Where it stands in the configuration: `training.learningRate`, `prompts`. */
  path: string;
  label: string;
  before: string;
  after: string;
}

/** A value as a form shows it: with its unit, on or off, or the name of the choice. */
export function settingText(setting: Setting, value: unknown): string {
  if (setting.type === 'switch') return value ? 'on' : 'off';
  if (setting.type === 'choice') return setting.choices[String(value)]?.[0] ?? String(value);
  if (setting.unit === null) return String(value);
  return `${value} ${setting.unit}`;
}

/**
 * What changed from one configuration to another, in the order of the form; empty when nothing did.
 * @param nameOf how people call the reward that a term names
 * @param method whose settings are told; without it all
 */
export function configDifferences(
  before: RunConfig,
  after: RunConfig,
  nameOf: (model: string) => string = (model) => model,
  method?: Method,
): ConfigDifference[] {
  const groups: readonly string[] = method ? groupsOf(method) : Object.keys(settingGroups);
  const shown = Object.entries(settingGroups).filter(([groupName]) => groups.includes(groupName));
  const settings = shown.flatMap(([groupName, group]) => {
    const valuesBefore: Record<string, unknown> = before[groupName as GroupName];
    const valuesAfter: Record<string, unknown> = after[groupName as GroupName];
    return Object.entries<Setting>(group)
      .filter(([key]) => valuesBefore[key] !== valuesAfter[key])
      .map(([key, setting]) => ({
        path: `${groupName}.${key}`,
        label: setting.label,
        before: settingText(setting, valuesBefore[key]),
        after: settingText(setting, valuesAfter[key]),
      }));
  });
  return [
    ...listDifference('prompts', 'Prompts', before.prompts, after.prompts),
    ...listDifference(
      'evaluationPrompts',
      'Evaluation prompts',
      before.evaluationPrompts,
      after.evaluationPrompts,
    ),
    ...(method === undefined || sourceOf(method) === 'reward'
      ? rewardDifference(before.rewards, after.rewards, nameOf)
      : []),
    ...(before.seed === after.seed
      ? []
      : [{ path: 'seed', label: 'Seed', before: `${before.seed}`, after: `${after.seed}` }]),
    ...settings,
  ];
}

function rewardDifference(
  before: readonly RewardTerm[],
  after: readonly RewardTerm[],
  nameOf: (model: string) => string,
): ConfigDifference[] {
  const text = (terms: readonly RewardTerm[]) =>
    terms.map((term) => termText({ ...term, model: nameOf(term.model) })).join(' + ');
  if (text(before) === text(after)) return [];
  return [{ path: 'rewards', label: 'Rewards', before: text(before), after: text(after) }];
}

function termText({ model, weight, hinge, normalize }: RewardTerm): string {
  const bounded = hinge === null ? model : `${model} up to ${hinge}`;
  const scaled = normalize ? `normalized ${bounded}` : bounded;
  return weight === 1 ? scaled : `${weight} × ${scaled}`;
}

/** Lists are told by their length and by how much of one is missing in the other. */
function listDifference(
  path: string,
  label: string,
  before: readonly string[],
  after: readonly string[],
): ConfigDifference[] {
  if (before.length === after.length && before.every((item, i) => item === after[i])) return [];
  const known = new Set(before);
  const fresh = after.filter((item) => !known.has(item)).length;
  const change = fresh === 0 ? 'in another order or fewer' : `${fresh} of them new`;
  return [{ path, label, before: `${before.length}`, after: `${after.length}, ${change}` }];
}
