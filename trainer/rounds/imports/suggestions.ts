/** @file What a first run on an imported pipeline may begin with, until people type their own. */

import { flowPresets } from '@/lib/settings/flow-preset';
import type { Process } from '@/trainer/diffusion/schedulers/classes';

/** Prompts on which people tell good images from bad ones at a glance, in everyday words. */
const prompts = [
  'a photo of a hand',
  'a photo of two people shaking hands',
  'a portrait of an old woman laughing',
  'a cat asleep on a windowsill',
  'a red bicycle in front of a blue door',
  'a bowl of fruit on a wooden table, oil painting',
  'a lighthouse in a storm',
  'a street market at night in the rain',
];

const evaluationPrompts = [
  'a photo of a hand holding an apple',
  'a child waving',
  'a dog running on a beach',
  'a cup of coffee beside an open book, watercolor',
];

/** @param name of the pipeline @param process by which it draws */
export function suggestionsFor(name: string, process: Process) {
  return {
    description: 'Imported; no program judges its images, people do.',
    suggestedPrompts: prompts,
    suggestedEvaluationPrompts: evaluationPrompts,
    suggestedRunName: name,
    ...(process === 'flow' && { presets: flowPresets, suggestedPreset: 'flow' }),
  };
}
