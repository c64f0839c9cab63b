/** @file The work of evaluation: the new policy and the one it came from draw the same prompts and seeds. */
import { getBlob } from '@/db/blobs';
import { evaluationsOf, recordEvaluation } from '@/db/metrics';
import type { Round } from '@/db/rounds';
import { listSamples, recordSamples, type Sample, setVerdicts } from '@/db/samples';
import { finishEvaluation } from '@/db/work';
import { hackingAlarms, type ImageMeasures, pairedChange } from '@/lib/alarms';
import { sourceOf } from '@/lib/methods';
import type { EvaluationSummary, WinRecord } from '@/lib/metrics';
import { decodePng } from '@/trainer/diffusion/images';
import { PromptEncoder } from '@/trainer/diffusion/networks';
import type { Engine } from '@/trainer/runtime/engine';
import type { Assignment } from './assignment';
import { draw } from './draw';
import { Eta } from './eta';
import { compareVerdicts, type Judge, judgeOf, type Reading } from './judging';
import { type PlannedSample, planEvaluation } from './plan';
import { openPolicy } from './resolve-pipeline';
import { openRewards } from './run-rewards';
import { scoresOf } from './score-images';
import { scalesOf } from './try-rewards';

/** Draws what is missing of both policies' evaluation images, compares them, and ends the round. */
export async function evaluateRound(assignment: Assignment, engine: Engine): Promise<void> {
  const { round, run } = assignment;
  const { config, startPolicyId } = round;
  const resultPolicyId = round.resultPolicyId as string;
  const after = planEvaluation(resultPolicyId, config);
  const before = planEvaluation(startPolicyId, config);
  const missing = {
    after: await notDrawn(resultPolicyId, after),
    before: await notDrawn(startPolicyId, before),
  };
  const eta = new Eta(missing.after.length + missing.before.length);
  const drawMissing = async (
    policyId: string,
    planned: PlannedSample[],
    roundId: string | null,
  ) => {
    const drawing = {
      engine,
      model: await openPolicy(policyId),
      config,
      signal: assignment.signal,
      roundId,
      purpose: 'evaluation',
    } as const;
    await draw(drawing, planned, async (batch) => {
      await recordSamples({ samples: batch.map(({ row }) => row) });
      await assignment.checkpoint(null, { etaSeconds: eta.after(batch.length) });
    });
  };
  await drawMissing(resultPolicyId, missing.after, round.id);
  // The policy before belongs to no round, or to an earlier one: its images do not count towards this one's progress.
  await drawMissing(startPolicyId, missing.before, null);

  const judge = await judgeOf(run.pipeline, engine);
  const readingsAfter = judge && (await readAll(judge, resultPolicyId, after));
  const readingsBefore = judge && (await readAll(judge, startPolicyId, before));
  const images = config.evaluation.images;
  const rewarded =
    sourceOf(run.method) !== 'reward'
      ? undefined
      : await compareRewards(engine, round, { before, after });
  const summaries = {
    before: summarize(images, before, judge, readingsBefore),
    after: summarize(images, after, judge, readingsAfter),
  };
  if ((await evaluationsOf({ policyId: startPolicyId })).length === 0) {
    await recordEvaluation({
      roundId: null,
      policyId: startPolicyId,
      comparedToPolicyId: null,
      summary: summaries.before,
    });
  }
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
      }),
      ...(rewarded &&
        readingsBefore &&
        readingsAfter && {
          alarms: hackingAlarms(
            measuresOf(readingsBefore, rewarded.before),
            measuresOf(readingsAfter, rewarded.after),
            { before: summaries.before.diversity, after: summaries.after.diversity },
          ),
        }),
    },
  });
  await assignment.complete(finishEvaluation);
}

/** What the run's rewards say of both policies' evaluation images. */
async function compareRewards(
  engine: Engine,
  round: Round,
  planned: Record<'before' | 'after', readonly PlannedSample[]>,
): Promise<{ name: string; before: Float32Array; after: Float32Array }> {
  const { config, startPolicyId, resultPolicyId } = round;
  const start = await openPolicy(startPolicyId);
  const encoder = await PromptEncoder.open(engine, start.pipeline);
  const encode = (prompt: string) => encoder.encode(prompt);
  const reward = await openRewards({ engine, start, encode }, config.rewards, scalesOf(round));
  try {
    const [before, after] = await Promise.all([
      imagesOf(startPolicyId, planned.before),
      imagesOf(resultPolicyId as string, planned.after),
    ]);
    return {
      name: reward.name,
      before: await scoresOf(engine, reward, before),
      after: await scoresOf(engine, reward, after),
    };
  } finally {
    await reward.release?.();
    await encoder.release();
  }
}

async function imagesOf(policyId: string, planned: readonly PlannedSample[]) {
  const drawn = await drawnOf(policyId);
  return Promise.all(
    planned.map(async ({ id, prompt }) => ({
      prompt,
      image: await imageOf(drawn.get(id) as Sample),
    })),
  );
}

function measuresOf(readings: readonly Reading[], rewards: Float32Array): ImageMeasures[] {
  return readings.map(({ verdict }, i) => ({
    reward: rewards[i] as number,
    formed: Number(!verdict.deformed),
    bloodless: Number(!verdict.blood),
    alignment: verdict.alignment ?? 0,
  }));
}

/** A policy's stored evaluation images, by id. */
async function drawnOf(policyId: string): Promise<Map<string, Sample>> {
  const found = new Map<string, Sample>();
  for (let after: string | undefined; ; ) {
    const rows = await listSamples({ policyId, purpose: 'evaluation', after });
    for (const row of rows) found.set(row.id, row);
    after = rows.at(-1)?.id;
    if (after === undefined) return found;
  }
}

async function notDrawn(policyId: string, planned: PlannedSample[]): Promise<PlannedSample[]> {
  const drawn = await drawnOf(policyId);
  return planned.filter(({ id }) => !drawn.has(id));
}

/** What the judge sees in a policy's evaluation images, in the order of the plan; verdicts are stored. */
async function readAll(
  judge: Judge,
  policyId: string,
  planned: readonly PlannedSample[],
): Promise<Reading[]> {
  const drawn = await drawnOf(policyId);
  const judged = await imagesOf(policyId, planned);
  const readings = await judge.read(judged);
  // Read once, verdicts stand: people may have reviewed the flags that follow from them.
  const unread = planned.flatMap(({ id: sampleId }, i) =>
    drawn.get(sampleId)?.verdict?.judge === judge.name
      ? []
      : [{ sampleId, verdict: (readings[i] as Reading).verdict }],
  );
  await setVerdicts(unread);
  return readings;
}

async function imageOf({ imageBlob }: Sample) {
  return decodePng(await getBlob(imageBlob), `The image ${imageBlob}`);
}

function summarize(
  images: number,
  planned: readonly PlannedSample[],
  judge: Judge | undefined,
  readings: readonly Reading[] = [],
): EvaluationSummary {
  const n = readings.length;
  const share = (defect: 'deformed' | 'blood') => ({
    count: readings.filter(({ verdict }) => verdict[defect]).length,
    n,
  });
  const total = readings.reduce((sum, { verdict }) => sum + (verdict.alignment ?? 0), 0);
  return {
    images,
    ...(judge && { judge: judge.name }),
    deformed: share('deformed'),
    blood: share('blood'),
    alignment: n === 0 ? null : total / n,
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
