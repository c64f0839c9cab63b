/**
 * @file The work of evaluation: the new policy and the one it came from draw the same prompts and
 * seeds.
 */

import { baseOf, getPolicy } from '@/db/policies/policies';
import { evaluationsOf, recordEvaluation } from '@/db/rounds/metrics';
import { finishEvaluation } from '@/db/work/results';
import { hackingAlarms, type ImageMeasures } from '@/lib/judges/alarms';
import { sourceOf } from '@/lib/methods';
import type { EvaluationSummary } from '@/lib/metrics';
import { type ImageSize, sizeAsked } from '@/lib/settings/image-sizes';
import { pairedChange } from '@/lib/statistics/paired-change';
import type { WinRecord } from '@/lib/statistics/proportion';
import {
  compareVerdicts,
  defectRates,
  type Judge,
  meanAlignment,
  measuresOf,
  type Reading,
} from '@/trainer/judging';
import type { Engine } from '@/trainer/runtime/engine';
import type { PlannedSample } from '../draw/plan';
import { diversityNetworkOf } from '../pipelines/diversity-network';
import { openPolicy, type PolicyModel, pipelineFolder } from '../pipelines/resolve';
import type { Assignment } from '../worker/assignment';
import { type ComparedPolicies, comparedPolicies, drawMissing } from './images';
import { judgeOf } from './judging';
import { type Instruments, type Measured, measure } from './measure';
import { openRoundRewards, pairedScores } from './rewards';

/** Draws what is missing of the policies' evaluation images, compares them, and ends the round. */
export async function evaluateRound(assignment: Assignment, engine: Engine): Promise<void> {
  const { round, run } = assignment;
  const { config, startPolicyId } = round;
  const resultPolicyId = round.resultPolicyId as string;
  const compared = await comparedPolicies(round, run);
  const { after, before, base, served } = compared;
  const open = openedOnce(sizeAsked(config.sampling));
  const judge = await judgeOf(run.pipeline, engine);
  const rival = judge?.comparesImages ? served : undefined;
  const others = [base, rival].filter((one) => one !== undefined);
  await drawMissing(assignment, engine, [after, before, ...others], open);

  const rewards =
    sourceOf(run.method) === 'reward'
      ? await openRoundRewards(engine, round, await open(startPolicyId))
      : undefined;
  // A network that comes with the pipeline measures its diversity, where there is one; else what
  // the judge sees does.
  const folder = pipelineFolder(await baseOf(await getPolicy(startPolicyId)));
  const diversityNetwork = diversityNetworkOf(folder);
  const tools = { engine, judge, rewards, diversityNetwork };
  const rivals = rival && (await measure(rival, { engine, judge }));
  const measured = await measureAll(compared, tools);
  const { readings: readingsAfter } = measured.after;
  const { readings: readingsBefore } = measured.before;
  const images = config.evaluation.images;
  const summaryOf = (planned: readonly PlannedSample[], { readings, diversity }: Measured) => {
    const summary = summarize(images, planned, judge, readings);
    return diversity === undefined ? summary : { ...summary, diversity };
  };
  const summaries = {
    before: summaryOf(before.planned, measured.before),
    after: summaryOf(after.planned, measured.after),
  };
  const rewarded = rewards && rewardedOf(compared, measured);
  // Without a judge diversity alone tells, where the pipeline's own network measures it.
  const isWatched =
    judge !== undefined ||
    (summaries.before.diversity !== null && summaries.after.diversity !== null);
  const asStart = {
    policyId: startPolicyId,
    comparedToPolicyId: null,
    drawing: before.drawing,
    summary: summaries.before,
  };
  if ((await evaluationsOf({ policyId: startPolicyId })).length === 0) {
    await recordEvaluation({ roundId: null, ...asStart });
  }
  // Another round may have drawn it otherwise: this one's page holds the two against each other as
  // they were drawn here.
  await recordEvaluation({ roundId: round.id, ...asStart });
  await recordEvaluation({
    roundId: round.id,
    policyId: resultPolicyId,
    comparedToPolicyId: startPolicyId,
    drawing: after.drawing,
    summary: {
      ...summaries.after,
      winRate:
        judge?.comparesImages && readingsAfter && readingsBefore
          ? wins(readingsAfter, readingsBefore)
          : null,
      ...(rival &&
        readingsAfter &&
        rivals?.readings && {
          served: { policyId: rival.policyId, winRate: wins(readingsAfter, rivals.readings) },
        }),
      ...(rewarded && {
        reward: {
          name: rewards.name,
          ...pairedChange(rewarded.before, rewarded.after),
        },
        rewards: rewarded.paired,
      }),
      ...(rewarded &&
        isWatched && {
          alarms: hackingAlarms(
            withRewards(judge, readingsBefore, rewarded.before),
            withRewards(judge, readingsAfter, rewarded.after),
            { before: summaries.before.diversity, after: summaries.after.diversity },
          ),
        }),
    },
  });
  await assignment.complete(finishEvaluation);
}

/** Opens policies for images of a size, each of them once. */
function openedOnce(size: ImageSize | null): (policyId: string) => Promise<PolicyModel> {
  const opened = new Map<string, Promise<PolicyModel>>();
  return (policyId) => {
    const model = opened.get(policyId) ?? openPolicy(policyId, size);
    opened.set(policyId, model);
    return model;
  };
}

interface AllMeasured {
  before: Measured;
  after: Measured;
  base: Measured | undefined;
}

/**
 * Measures the policies that a round compares, each image read once; of the base only what rewards
 * say.
 */
async function measureAll(
  { before, after, base }: ComparedPolicies,
  tools: Instruments,
): Promise<AllMeasured> {
  const { engine, rewards } = tools;
  try {
    return {
      base: base && (await measure(base, { engine, rewards })),
      before: await measure(before, tools),
      after: await measure(after, tools),
    };
  } finally {
    await rewards?.release();
  }
}

/** Rewards before and after, and those of the images that pages show side by side, by sample. */
function rewardedOf(compared: ComparedPolicies, measured: AllMeasured) {
  const { base, before, after } = compared;
  const { scores: first = [] } = measured.before;
  const { scores: last = [] } = measured.after;
  const paired = {
    ...(base && pairedScores(base, measured.base?.scores ?? [])),
    ...pairedScores(before, first),
    ...pairedScores(after, last),
  };
  return { before: first, after: last, paired };
}

function withRewards(
  judge: Judge | undefined,
  readings: readonly Reading[] | undefined,
  rewards: readonly number[],
): ImageMeasures[] {
  return rewards.map((reward, i) => ({
    reward,
    measures: judge && readings ? measuresOf(judge, readings[i]!.verdict) : {},
  }));
}

function summarize(
  images: number,
  planned: readonly PlannedSample[],
  judge: Judge | undefined,
  readings: readonly Reading[] = [],
): EvaluationSummary {
  const verdicts = readings.map(({ verdict }) => verdict);
  return {
    images,
    ...(judge && { judge: judge.name }),
    defects: judge ? defectRates(judge, verdicts) : {},
    alignment: judge ? meanAlignment(judge, verdicts) : null,
    winRate: null,
    diversity: judge ? diversityOf(judge, planned, readings) : null,
  };
}

/** Mean over prompts of the mean distance of all pairs of one prompt's images. */
function diversityOf(
  judge: Judge,
  planned: readonly PlannedSample[],
  readings: readonly Reading[],
): number | null {
  const perPrompt = [...new Set(planned.map(({ prompt }) => prompt))]
    .map((prompt) => readings.filter((_, i) => planned[i]?.prompt === prompt))
    .map((some) => judge.diversity(some.map(({ features }) => features)))
    .filter((diversity) => diversity !== null);
  if (perPrompt.length === 0) return null;
  return perPrompt.reduce((sum, diversity) => sum + diversity, 0) / perPrompt.length;
}

function wins(after: readonly Reading[], before: readonly Reading[]): WinRecord {
  const compared = after.map(({ verdict }, i) => compareVerdicts(verdict, before[i]!.verdict));
  return {
    wins: compared.filter((difference) => difference > 0).length,
    ties: compared.filter((difference) => difference === 0).length,
    n: compared.length,
  };
}
