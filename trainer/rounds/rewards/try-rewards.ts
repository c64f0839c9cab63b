/**
 * @file A round's rewards, tried on a few images of the policy it starts from before anything is
 * trained: what cannot teach is refused, what looks wrong is said on the round's page, and what is
 * to be normalized is measured.
 */
import { addToManifest } from '@/db/rounds/rounds';
import type { Round } from '@/db/schema/rounds';
import { isDrawingMethod, type Method } from '@/lib/methods';
import { isAnalytic, type RewardTerm, type RewardTrial, rewardTrialSchema } from '@/lib/rewards';
import { promptCuts, promptCutText } from '@/lib/text/prompt-cuts';
import type { Tensor } from '@/trainer/graph/tensor';
import { combine, type Term } from '@/trainer/rewards/combine';
import { fileSizeScorers } from '@/trainer/rewards/jpeg-file';
import { type ProbeReport, probeReward } from '@/trainer/rewards/probe';
import type { Reward } from '@/trainer/rewards/reward';
import { klWarning } from '@/trainer/rewards/scale';
import { type OpenScorer, scorerOf } from '@/trainer/rewards/scorer';
import { sumOfScorers } from '@/trainer/rewards/sum-of-scorers';
import { rolloutSettings } from '../draw/draw';
import { promptsFrom } from '../draw/plan';
import { drawPlanes } from '../draw/planes';
import { trainingSeed } from '../draw/random';
import { openRewards, openTerms, type RewardContext, type RewardScales } from './run-rewards';

/** Images that the rewards are tried on. */
const triedImages = 8;

export interface TriedRewards {
  reward: Reward;
  /** For methods that need no gradient: the same, but JPEG files are measured, not estimated. */
  openScorer: OpenScorer;
}

/** The scales that a round's rewards were given when they were tried. */
export function scalesOf({ manifest }: Pick<Round, 'manifest'>): RewardScales {
  return rewardTrialSchema.safeParse(manifest?.rewards).data?.scales ?? {};
}

/**
 * Opens and tries a round's rewards. A function of the round alone: a resumed round finds the same.
 */
export async function tryRewards(
  context: RewardContext,
  round: Pick<Round, 'id' | 'ordinal' | 'config'>,
  method: Method,
): Promise<TriedRewards> {
  const { engine } = context;
  const { rewards: terms } = round.config;
  const { images, prompts } = await drawTried(context, round);
  const plain = terms.map((term) => ({ ...term, normalize: false }));
  const tried = await openRewards(context, plain, {});
  const report = await probeReward(engine, tried, images, prompts);
  await tried.release?.();
  const scales = scalesIn(terms, report);
  const opened = await openTerms(context, terms, scales);
  const reward = combine(opened);
  const isScaled = terms.some(({ normalize }) => normalize);
  const { scores } = isScaled ? await probeReward(engine, reward, images, prompts) : report;
  const own = round.config[method];
  const { guidanceScale } = round.config.sampling;
  const kl =
    'klCoefficient' in own ? klWarning(own.klCoefficient, scores, guidanceScale) : undefined;
  const warnings = [
    ...report.warnings,
    ...opened.flatMap((term) => cutWarning(term, round.config.prompts) ?? []),
    ...(kl ? [kl] : []),
  ];
  const trial: RewardTrial = { name: reward.name, scales, warnings };
  await addToManifest(round.id, { rewards: trial });
  const openScorer = isDrawingMethod(method) ? measuringFiles(terms, opened) : scorerOf(reward);
  return { reward, openScorer };
}

/**
 * Which of the prompts a reward does not read whole, as sentences; null where it reads all, or
 * none.
 */
export function cutWarning({ reward }: Term, prompts: readonly string[]): string | null {
  if (!reward.measure) return null;
  const cuts = promptCuts(prompts, reward.measure);
  const summary = { cut: cuts.length, first: cuts[0] ?? null, room: reward.measure.room };
  const text = promptCutText(summary, prompts.length);
  return text && `${reward.name}: ${text}`;
}

/** Of those that are to be normalized. */
function scalesIn(terms: readonly RewardTerm[], report: ProbeReport): RewardScales {
  const measured = Object.values(report.parts);
  return Object.fromEntries(
    terms.flatMap(({ model, normalize }, i) => {
      const { mean, spread } = measured[i] ?? report;
      return normalize ? [[model, { mean, std: spread }]] : [];
    }),
  );
}

/** The terms' scorers, summed; where one is the size of a JPEG file, the file's. */
function measuringFiles(terms: readonly RewardTerm[], opened: readonly Term[]): OpenScorer {
  const isFile = ({ model }: RewardTerm): boolean => isAnalytic(model) && model in fileSizeScorers;
  if (!terms.some(isFile)) return scorerOf(combine(opened));
  return sumOfScorers(
    opened.map(({ reward, ...counted }, i) => {
      const term = terms[i]!;
      const open = isFile(term)
        ? fileSizeScorers[term.model as keyof typeof fileSizeScorers]
        : scorerOf(reward);
      return { open, ...counted };
    }),
  );
}

async function drawTried(
  { engine, start }: RewardContext,
  { ordinal, config }: Pick<Round, 'ordinal' | 'config'>,
): Promise<{ images: Tensor<'float32'>; prompts: string[] }> {
  const prompts = promptsFrom(config, 0, triedImages);
  const requests = prompts.map((prompt, i) => {
    const seed = trainingSeed('tried', config.seed, ordinal, i);
    return { prompt, seed, noiseSeed: seed };
  });
  const drawn = await drawPlanes(engine, start.pipeline, requests, {
    images: Math.min(triedImages, config.sampling.batchImages),
    settings: rolloutSettings(config),
    policy: start.weights,
  });
  return { images: drawn, prompts };
}
