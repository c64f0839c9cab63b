import { presetConfig, type RunConfig } from '@/lib/settings/run-config';
import { handsPresets } from '@/trainer/hands/presets';

const skins = ['pale', 'brown', 'dark', 'freckled'];
const sleeves = ['red', 'blue', 'green', 'striped', 'no'];
const grounds = ['yellow', 'grey', 'leafy'];

/** Sixty prompts, as a run has them. */
export const prompts = skins.flatMap((skin) =>
  sleeves.flatMap((sleeve) =>
    grounds.map((ground) => `1 hand, ${skin} skin, ${sleeve} sleeve, on a ${ground} background`),
  ),
);

export const evaluationPrompts = prompts.slice(0, 20).map((prompt) => `${prompt}, waving`);

/** A run's settings, the built-in preset with so many people to a pair. */
export function configOf(
  annotatorsPerPair: number,
  labeling: Partial<RunConfig['labeling']> = {},
  pairSource: RunConfig['sampling']['pairSource'] = 'pairs',
): RunConfig {
  const config = presetConfig(handsPresets.hands, { prompts, evaluationPrompts, seed: 0 });
  return {
    ...config,
    sampling: { ...config.sampling, pairSource },
    labeling: { ...config.labeling, annotatorsPerPair, ...labeling },
  };
}
