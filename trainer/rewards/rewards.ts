/** @file The rewards that a run can name. The judge of a pipeline is none of them, and this room cannot reach it. */

import { stat } from 'node:fs/promises';
import type { RunConfig } from '@/lib/settings/run-config';
import type { Engine } from '@/trainer/runtime/engine';
import { brightness, symmetry } from './analytic';
import { combine } from './combine';
import { scoreOf } from './graph-score';
import { openImportedReward } from './imported/open';
import { compressibility, incompressibility } from './jpeg';
import { compressibilityOfFile, incompressibilityOfFile } from './jpeg-file';
import { type PixelScore, type Reward, RewardError } from './reward';

/** Formulas of the pixels, by the name that a run gives them. */
export const rewards = {
  brightness,
  symmetry,
  compressibility,
  incompressibility,
} satisfies Record<RunConfig['reward']['model'], Reward> & Record<string, Reward>;

type AnalyticName = keyof typeof rewards;

/** Rewards of which the graph is an estimate. */
const exactScores = new Map<string, PixelScore>([
  ['compressibility', compressibilityOfFile],
  ['incompressibility', incompressibilityOfFile],
]);

/** One term of a run's reward. */
export interface TermSettings {
  /** An analytic reward's name, or the folder of an imported one. */
  model: string;
  weight: number;
  hinge?: number;
  normalize?: { mean: number; std: number };
}

/** Opens the reward of a run: all its terms as one. A model that two terms name is opened once. Release it when done. */
export async function openReward(engine: Engine, terms: readonly TermSettings[]): Promise<Reward> {
  const opened = new Map<string, Reward>();
  try {
    for (const { model } of terms) {
      if (!opened.has(model)) opened.set(model, await openModel(engine, model));
    }
    return combine(
      terms.map(({ model, ...term }) => ({ ...term, reward: opened.get(model) as Reward })),
    );
  } catch (cause) {
    for (const reward of opened.values()) await reward.release?.();
    throw cause;
  }
}

/**
 * The same for methods that need no gradient, by the reward's graph; a JPEG reward alone, of weight 1, by the true file size
 * instead of the estimate.
 */
export async function openScore(
  engine: Engine,
  terms: readonly TermSettings[],
): Promise<PixelScore> {
  const [only] = terms;
  const plain = only?.weight === 1 && only.hinge === undefined && !only.normalize;
  const exact = terms.length === 1 && plain ? exactScores.get(only.model) : undefined;
  return exact ?? scoreOf(engine, await openReward(engine, terms));
}

async function openModel(engine: Engine, model: string): Promise<Reward> {
  if (Object.hasOwn(rewards, model)) return rewards[model as AnalyticName];
  const folder = await stat(model).catch(() => undefined);
  if (folder?.isDirectory()) return openImportedReward(engine, model);
  throw new RewardError(
    `There is no reward model "${model}". Name one of ${Object.keys(rewards).join(', ')}, or the folder of an imported one, with its reward.json.`,
  );
}
