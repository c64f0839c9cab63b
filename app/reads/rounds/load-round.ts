import { answerCounts } from '@/db/figures/answer-counts';
import { declaredBy } from '@/db/policies/declared';
import { drawingOf } from '@/db/policies/drawings';
import { baseOf, getPolicy } from '@/db/policies/policies';
import { listRewardModels } from '@/db/rewards/reward-models';
import { evaluationFrames } from '@/db/rounds/evaluation-frames';
import { listedRound } from '@/db/rounds/list';
import { measurementsOf } from '@/db/rounds/measurements';
import { getRound, roundBefore } from '@/db/rounds/rounds';
import { firstTrainingLabels, firstTrainingPairs } from '@/db/rounds/trained-on';
import type { Round } from '@/db/schema/rounds';
import { annealingOf, drawingKey } from '@/lib/drawings';
import { sourceOf } from '@/lib/methods';
import { pairedImages } from '@/lib/metrics';
import { analyticRewards, isAnalytic, rewardModelName, rewardTrialSchema } from '@/lib/rewards';
import { configDifferences } from '@/lib/settings/differences';
import { type Presets, presetsOf } from '@/lib/settings/presets';
import { presetConfig, type RunConfig } from '@/lib/settings/run-config';
import { type RoundDetail, trainingDataSchema } from '../../api/rounds/schema';
import { showEvaluation } from '../evaluations/show';
import { showFrame, showImage } from '../images/show';
import { summarize, trainerState } from './summaries';

const trainingPairsShown = 12;

/** How far back the pace of labeling is measured, ms. */
const paceWindowMs = 10 * 60_000;

/** Everything the page of one round shows. Throws 'not-found'. */
export async function loadRound(id: string, now = Date.now()): Promise<RoundDetail> {
  const round = await getRound(id);
  const listed = await listedRound(id);
  const { pipeline } = listed.run;
  const { judge, presets } = await declaredBy(pipeline);
  const [summary] = await summarize([listed], new Map(judge && [[pipeline, judge]]));
  const start = await getPolicy(round.startPolicyId);
  const drawing = drawingKey(round.config, annealingOf(listed.run.method, round.config));
  const [[before, after], counts, trained, labeled, yardstick] = await Promise.all([
    measurementsOf([
      { policyId: start.id, roundId: id, drawing: drawingOf(start, drawing) },
      { policyId: round.resultPolicyId, roundId: id, drawing },
    ]),
    answerCounts(id, { recentSince: now - paceWindowMs }),
    firstTrainingPairs(id, trainingPairsShown),
    firstTrainingLabels(id, trainingPairsShown),
    compareWith(round, presetsOf(presets)),
  ]);
  const rewards = (after?.roundId === id && after.summary.rewards) || {};
  const framesBeside = async (policyId: string) => {
    const policyIds = round.resultPolicyId ? [policyId, round.resultPolicyId] : [];
    const frames = await evaluationFrames({ policyIds, limit: pairedImages, drawing });
    return frames.map((frame) => showFrame(frame, judge, rewards));
  };
  const base = sourceOf(summary!.run.method) === 'reward' ? await baseOf(start) : start;
  const { trainingData, ...manifest } = round.manifest ?? {};
  return {
    round: summary!,
    trainer: await trainerState(),
    config: round.config,
    comparedWith: yardstick.name,
    differences: configDifferences(
      yardstick.config,
      round.config,
      await rewardNames(),
      listed.run.method,
    ),
    rewardTrial: rewardTrialSchema.safeParse(manifest.rewards).data ?? null,
    manifest: Object.keys(manifest).length > 0 ? manifest : null,
    answers: {
      byAnswer: counts.byAnswer,
      heldBack: counts.heldBack,
      annotators: counts.annotators,
      perMinute: pace(counts.recent, now),
    },
    trainingData: trainingDataSchema.safeParse(trainingData).data ?? null,
    trainingPairs: trained.map((pair) => ({
      ordinal: pair.ordinal,
      prompt: pair.prompt,
      weight: pair.weight,
      smoothing: pair.smoothing,
      winner: showImage(pair.winner, judge),
      loser: showImage(pair.loser, judge),
    })),
    trainingLabels: labeled.map(({ ordinal, good, sample }) => ({
      ordinal,
      good,
      prompt: sample.prompt,
      image: showImage(sample, judge),
    })),
    before: showEvaluation(before ?? null, judge),
    after: showEvaluation(after ?? null, judge),
    frames: await framesBeside(start.id),
    base:
      base.id === start.id || !round.resultPolicyId
        ? null
        : { id: base.id, name: base.name, frames: await framesBeside(base.id) },
  };
}

/** Answers a minute since the first recent one; a single answer says nothing about a pace. */
function pace(recent: { count: number; firstAt: number | null }, now: number): number | null {
  if (recent.firstAt === null || recent.count < 2) return null;
  return recent.count / Math.max((now - recent.firstAt) / 60_000, 1 / 60);
}

/** How people call a reward that a run names. */
async function rewardNames(): Promise<(model: string) => string> {
  const names = new Map((await listRewardModels()).map((one) => [one.id, rewardModelName(one)]));
  return (model) =>
    isAnalytic(model) ? analyticRewards[model].label : (names.get(model) ?? model);
}

/**
 * What a round's configuration is held against: the round before it, else the pipeline's preset
 * nearest to it.
 */
async function compareWith(
  round: Round,
  presets: Presets,
): Promise<{ name: string; config: RunConfig }> {
  const previous = await roundBefore(round);
  if (previous) return { name: `round ${previous.ordinal}`, config: previous.config };
  const { prompts, evaluationPrompts, seed } = round.config;
  const candidates = Object.values(presets).map((preset) => ({
    name: `the preset ${preset.label}`,
    config: presetConfig(preset, { prompts, evaluationPrompts, seed }),
  }));
  const distance = (candidate: { config: RunConfig }) =>
    configDifferences(candidate.config, round.config).length;
  return candidates.reduce((nearest, candidate) =>
    distance(candidate) < distance(nearest) ? candidate : nearest,
  );
}
