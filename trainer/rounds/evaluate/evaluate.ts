/** @file The work of evaluation: the new policy and the one it came from draw the same prompts and seeds. */

import { evaluationsOf, recordEvaluation } from '@/db/rounds/metrics';
import { setVerdicts } from '@/db/rounds/samples';
import { finishEvaluation } from '@/db/work/queue';
import { hackingAlarms, type ImageMeasures } from '@/lib/alarms';
import { sourceOf } from '@/lib/methods';
import type { EvaluationSummary } from '@/lib/metrics';
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
import { pipelineFolder } from '../pipelines/resolve';
import type { Assignment } from '../worker/assignment';
import { networkDiversity } from './diversity';
import { comparedPolicies, drawMissing, drawnOf, type EvaluatedPolicy, imagesOf } from './images';
import { judgeOf } from './judging';
import { compareRewards } from './rewards';

/** Draws what is missing of the policies' evaluation images, compares them, and ends the round. */
export async function evaluateRound(assignment: Assignment, engine: Engine): Promise<void> {
  const { round, run } = assignment;
  const { config, startPolicyId } = round;
  const resultPolicyId = round.resultPolicyId as string;
  const compared = await comparedPolicies(round, run.method);
  const { after, before, base } = compared;
  await drawMissing(assignment, engine, [after, before, ...(base ? [base] : [])]);

  const judge = await judgeOf(run.pipeline, engine);
  const readingsAfter = judge && (await readAll(judge, after));
  const readingsBefore = judge && (await readAll(judge, before));
  const images = config.evaluation.images;
  const rewarded =
    sourceOf(run.method) === 'reward' ? await compareRewards(engine, round, compared) : undefined;
  // A network that comes with the pipeline measures its diversity, where there is one; else what the judge sees does.
  const folder = pipelineFolder(run.pipeline);
  const summaryOf = async (policy: EvaluatedPolicy, readings: readonly Reading[] | undefined) => {
    const summary = summarize(images, policy.planned, judge, readings);
    const diversity = await networkDiversity(engine, folder, () => imagesOf(policy));
    return diversity === undefined ? summary : { ...summary, diversity };
  };
  const summaries = {
    before: await summaryOf(before, readingsBefore),
    after: await summaryOf(after, readingsAfter),
  };
  // Without a judge diversity alone tells, where the pipeline's own network measures it.
  const isWatched =
    judge !== undefined ||
    (summaries.before.diversity !== null && summaries.after.diversity !== null);
  const asStart = { policyId: startPolicyId, comparedToPolicyId: null, summary: summaries.before };
  if ((await evaluationsOf({ policyId: startPolicyId })).length === 0) {
    await recordEvaluation({ roundId: null, ...asStart });
  }
  // Another round may have drawn it otherwise: this one's page holds the two against each other as they were drawn here.
  await recordEvaluation({ roundId: round.id, ...asStart });
  await recordEvaluation({
    roundId: round.id,
    policyId: resultPolicyId,
    comparedToPolicyId: startPolicyId,
    summary: {
      ...summaries.after,
      winRate: readingsAfter && readingsBefore ? wins(readingsAfter, readingsBefore) : null,
      ...(rewarded && {
        reward: {
          name: rewarded.name,
          ...pairedChange([...rewarded.before], [...rewarded.after]),
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

function withRewards(
  judge: Judge | undefined,
  readings: readonly Reading[] | undefined,
  rewards: Float32Array,
): ImageMeasures[] {
  return [...rewards].map((reward, i) => ({
    reward,
    measures: judge && readings ? measuresOf(judge, (readings[i] as Reading).verdict) : {},
  }));
}

/** What the judge sees in a policy's evaluation images, in the order of the plan; verdicts are stored. */
async function readAll(judge: Judge, policy: EvaluatedPolicy): Promise<Reading[]> {
  const { policyId, planned } = policy;
  const drawn = await drawnOf(policyId);
  const readings = await judge.read(await imagesOf(policy));
  // Read once, verdicts stand: people may have reviewed the flags that follow from them.
  const unread = planned.flatMap(({ id: sampleId }, i) =>
    drawn.get(sampleId)?.verdict?.judge === judge.name
      ? []
      : [{ sampleId, verdict: (readings[i] as Reading).verdict }],
  );
  await setVerdicts(unread);
  return readings;
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
  const compared = after.map(({ verdict }, i) =>
    compareVerdicts(verdict, (before[i] as Reading).verdict),
  );
  return {
    wins: compared.filter((difference) => difference > 0).length,
    ties: compared.filter((difference) => difference === 0).length,
    n: compared.length,
  };
}
