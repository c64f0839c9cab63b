/**
 * Rounds that follow a reward: each image's reward beside the base's on the same latents, and
 * annealing of what is evaluated.
 */
import { decode } from 'fast-png';
import { expect, it } from 'vitest';
import type { Frame } from '@/app/api/images/schema';
import { roundDetailSchema } from '@/app/api/rounds/schema';
import { loadRound } from '@/app/reads/rounds/load-round';
import { getBlob } from '@/db/blobs/blobs';
import { eventsAfter } from '@/db/events';
import { getPolicy } from '@/db/policies/policies';
import { type Evaluation, evaluationsOf } from '@/db/rounds/metrics';
import { listRounds } from '@/db/rounds/rounds';
import { startRun } from '@/db/rounds/runs';
import { listSamples } from '@/db/rounds/samples';
import type { Sample } from '@/db/schema/labels';
import type { Round } from '@/db/schema/rounds';
import { pairedImages } from '@/lib/metrics';
import type { RunConfigInput } from '@/lib/settings/run-config';
import { baseOn, quickConfig, untilRound, withTinyPipeline, withWorker } from '../support';

const pipeline = withTinyPipeline();
withWorker();

const config = {
  ...quickConfig,
  sampling: { inferenceSteps: 3, batchImages: 4, eta: 0 },
  training: { ...quickConfig.training, learningRate: 0.02 },
  rewards: [{ model: 'brightness' }],
  reward: { optimiserSteps: 3, imagesPerStep: 4 },
  evaluation: { images: 30 },
} satisfies RunConfigInput;

const brighter = { name: 'Brighter', method: 'draft', createdBy: null } as const;

/** Two rounds, the second from what the first has trained. */
async function twoRounds(more: Partial<RunConfigInput>): Promise<[Round, Round]> {
  const base = await baseOn(pipeline.folder);
  const { run } = await startRun({
    ...brighter,
    mode: 'online',
    pipeline: pipeline.folder,
    startPolicyId: base.id,
    config: { ...config, serving: { rule: 'always', maxRounds: 2 }, ...more },
  });
  const ended = async (ordinal: number) => {
    for (;;) {
      const round = (await listRounds({ runId: run.id })).find((one) => one.ordinal === ordinal);
      if (round) return untilRound(round.id, ({ state }) => state === 'done');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  return [await ended(1), await ended(2)];
}

const evaluated = async (policyId: string) => {
  const found: Sample[] = [];
  for (let after: string | undefined; ; after = found.at(-1)?.id) {
    const rows = await listSamples({ policyId, purpose: 'evaluation', after });
    if (rows.length === 0) return found.sort((a, b) => a.seed - b.seed);
    found.push(...rows);
  }
};

/** Brightness from the stored file, by hand. */
async function brightnessOf({ imageBlob }: Sample): Promise<number> {
  const { data, channels } = decode(await getBlob(imageBlob));
  const luma = [0.299, 0.587, 0.114];
  let sum = 0;
  for (let i = 0; i < data.length; i++) {
    sum += ((luma[i % channels] ?? 0) * data[i]!) / 255;
  }
  return sum / (data.length / channels);
}

it('scores the same latents before, after and by the base', { timeout: 300_000 }, async () => {
  const [first, second] = await twoRounds({});
  const [summary] = (await evaluationsOf({ roundId: second.id })).map((row) => row.summary);
  const [base, before, after] = await Promise.all(
    [first.startPolicyId, second.startPolicyId, second.resultPolicyId!].map(evaluated),
  );
  expect(new Set([base, before, after].map((drawn) => drawn?.length))).toEqual(new Set([30]));
  const shown = [base, before, after].flatMap((drawn) => drawn!.slice(0, pairedImages));
  expect(new Set(Object.keys(summary!.rewards!))).toEqual(new Set(shown.map(({ id }) => id)));
  for (const sample of shown) {
    const reward = summary!.rewards![sample.id]!;
    expect(Math.abs(reward - (await brightnessOf(sample)))).toBeLessThan(1e-4);
  }
  const all = await Promise.all(after!.map(brightnessOf));
  expect(summary!.reward!.after).toBeCloseTo(all.reduce((sum, one) => sum + one, 0) / 30, 4);

  // The page shows the start beside the result, and the base beside it, each with its reward.
  const page = roundDetailSchema.parse(await loadRound(second.id));
  const rewardsOn = (frames: Frame[]) =>
    frames.map(({ images }) => images.map((image) => [image?.sampleId, image?.reward]));
  const expected = (side: Sample[]) =>
    side.slice(0, pairedImages).map(({ id }, i) => {
      const beside = after![i]!.id;
      return [id, beside].map((sampleId) => [sampleId, summary!.rewards![sampleId]]);
    });
  expect(rewardsOn(page.frames)).toEqual(expected(before!));
  expect(page.base).toMatchObject({ id: first.startPolicyId, name: 'tiny' });
  expect(rewardsOn(page.base!.frames)).toEqual(expected(base!));
  expect((await loadRound(first.id)).base).toBeNull();

  // Of a base that has drawn none of the seeds, no more is drawn than is shown.
  const { round: later } = await startRun({
    ...brighter,
    mode: 'single',
    startPolicyId: second.resultPolicyId!,
    pipeline: pipeline.folder,
    config: { ...config, evaluation: { images: 26, seed: 5 } },
  });
  const done = await untilRound(later.id, ({ state }) => state === 'done');
  const fresh = (drawn: Sample[]) => drawn.filter(({ seed }) => seed < 1000).length;
  expect(fresh(await evaluated(first.startPolicyId))).toBe(pairedImages);
  expect(fresh(await evaluated(done.resultPolicyId!))).toBe(26);

  // The first round's base is the policy it started from: nothing a third time.
  const [early] = (await evaluationsOf({ roundId: first.id })).map((row) => row.summary);
  expect(Object.keys(early!.rewards!)).toHaveLength(2 * pairedImages);
  // What pages are sent as it happens stays small.
  const events = (await eventsAfter(0)).filter(({ kind }) => kind === 'evaluation');
  expect(events.length).toBeGreaterThan(0);
  expect(JSON.stringify(events)).not.toContain('"rewards"');
});

it('evaluates with early steps of the base where told, and trains as ever', {
  timeout: 300_000,
}, async () => {
  const evaluation = { images: 4 };
  const inference = (annealing: 'base' | 'step', threshold = 0.5) => ({
    inference: { annealing, threshold },
    evaluation,
  });
  const [plain] = await twoRounds({ evaluation });
  const [based, again] = await twoRounds(inference('base'));
  const [stepped] = await twoRounds(inference('step'));
  const blobs = async (policyId: string) => {
    const drawn = (await evaluated(policyId)).filter(({ seed }) => seed >= 1_000_003);
    return drawn.slice(0, evaluation.images).map(({ imageBlob }) => imageBlob);
  };
  const base = await blobs(plain.startPolicyId);
  // Drawn by the base's weights alone, the trained policy's images are the base's.
  expect(await blobs(based.resultPolicyId!)).toEqual(base);
  expect(await blobs(again.resultPolicyId!)).toEqual(base);
  const [tuned, mixed] = [await blobs(plain.resultPolicyId!), await blobs(stepped.resultPolicyId!)];
  expect(tuned).not.toEqual(base);
  expect(mixed).not.toEqual(base);
  expect(mixed).not.toEqual(tuned);
  const [{ summary }] = (await evaluationsOf({ roundId: based.id })) as [Evaluation];
  expect(summary.reward).toMatchObject({ low: 0, high: 0 });
  const trained = await Promise.all(
    [plain, based, stepped].map(async ({ resultPolicyId }) => getPolicy(resultPolicyId!)),
  );
  expect(new Set(trained.map(({ adapterBlob }) => adapterBlob)).size).toBe(1);
});
