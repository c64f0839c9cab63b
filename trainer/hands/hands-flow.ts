/**
 * @file The second built-in policy, `hands-flow`: the rectified-flow twin of `hands`, with the same
 * prompts and the same judge. It is made in the data folder when somebody asks for it.
 */
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { darkroomHome } from '@/db/client';
import { folderMode } from '@/db/private-home';
import type { Preset, Presets } from '@/lib/settings/presets';
import { writeFlowTwin } from './flow-twin';
import { handsPolicy } from './hands-policy';
import { handsPresets } from './presets';

/**
 * The twin's folder, written where it is not there yet: whole or not at all. @param hands the
 * folder of `hands`
 */
export async function handsFlowFolder(hands: string): Promise<string> {
  const { hash } = await handsPolicy();
  const pipelines = join(darkroomHome(), 'pipelines');
  // A version with other weights of hands has another twin.
  const folder = join(pipelines, `hands-flow-${hash.slice(0, 12)}`);
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.part`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(pipelines, { recursive: true, mode: folderMode });
  await writeFlowTwin(hands, unfinished);
  await rename(unfinished, folder);
  return folder;
}

/** What the database is to know of it, beside what its import finds. */
export async function handsFlowManifest() {
  const { manifest } = await handsPolicy();
  const { schedule: _, ...alike } = manifest;
  return {
    ...alike,
    description:
      'Draws hands at 64 × 64 pixels by flow matching, often wrongly: the twin of hands.',
    suggestedRunName: 'Five fingers, by a flow',
    presets: presetsOfFlow(handsPresets),
  };
}

const noiseLevel = {
  value: 0.7,
  because: 'The noise level of Flow-GRPO: more of it, and images stay noisy in few steps.',
} as const;

/** Those of hands, at a flow's noise level wherever images are drawn with noise. */
function presetsOfFlow(presets: Presets): Presets {
  const flows = Object.entries(presets).map(([name, preset]): [string, Preset] => {
    const { departures } = preset;
    const sampling = { eta: noiseLevel, ...departures.sampling };
    return [name, { ...preset, departures: { ...departures, sampling } }];
  });
  return Object.fromEntries(flows);
}
