/** @file A round's evaluation images: planned for each policy that is compared, drawn where they are missing, read back. */
import { getBlob } from '@/db/blobs/blobs';
import { baseOf, getPolicy } from '@/db/policies/policies';
import { listSamples, recordSamples } from '@/db/rounds/samples';
import type { Sample } from '@/db/schema/labels';
import type { Round } from '@/db/schema/rounds';
import { type Method, sourceOf } from '@/lib/methods';
import { pairedImages } from '@/lib/metrics';
import type { Annealing } from '@/trainer/diffusion/denoise/annealed-guidance';
import { decodePng, type RgbImage } from '@/trainer/diffusion/images/png';
import type { Engine } from '@/trainer/runtime/engine';
import { annealingOf, draw } from '../draw/draw';
import { type PlannedSample, planEvaluation } from '../draw/plan';
import { openPolicy } from '../pipelines/resolve';
import type { Assignment } from '../worker/assignment';
import { Eta } from '../worker/eta';

/** A policy and the images that it is measured by. */
export interface EvaluatedPolicy {
  policyId: string;
  /** The round whose progress its images count towards. */
  roundId: string | null;
  annealing: Annealing | undefined;
  planned: PlannedSample[];
}

export interface ComparedPolicies {
  after: EvaluatedPolicy;
  before: EvaluatedPolicy;
  /**
   * Where a round follows a reward from a policy that has been trained already: what that began as, on as many of the same
   * prompts and seeds as a page shows.
   */
  base: EvaluatedPolicy | undefined;
}

/** What a round compares its new policy with. */
export async function comparedPolicies(round: Round, method: Method): Promise<ComparedPolicies> {
  const { config, startPolicyId } = round;
  const start = await getPolicy(startPolicyId);
  const annealing = annealingOf(method, config);
  const evaluated = (
    policyId: string,
    roundId: string | null,
    drawnWith: Annealing | undefined,
  ): EvaluatedPolicy => ({
    policyId,
    roundId,
    annealing: drawnWith,
    planned: planEvaluation(policyId, config, drawnWith),
  });
  // The base is what annealing begins with: it draws as it is, and once for all schedules.
  const isBase = start.parentId === null;
  const base =
    isBase || sourceOf(method) !== 'reward'
      ? undefined
      : evaluated((await baseOf(start)).id, null, undefined);
  return {
    after: evaluated(round.resultPolicyId as string, round.id, annealing),
    // It belongs to no round, or to an earlier one.
    before: evaluated(startPolicyId, null, isBase ? undefined : annealing),
    base: base && { ...base, planned: base.planned.slice(0, pairedImages) },
  };
}

/** Draws what is missing of the policies' images, one policy after the other. */
export async function drawMissing(
  assignment: Assignment,
  engine: Engine,
  policies: readonly EvaluatedPolicy[],
): Promise<void> {
  const missing: PlannedSample[][] = [];
  for (const { policyId, planned } of policies) {
    const drawn = await drawnOf(policyId);
    missing.push(planned.filter(({ id }) => !drawn.has(id)));
  }
  const eta = new Eta(missing.flat().length);
  for (const [i, { policyId, roundId, annealing }] of policies.entries()) {
    const drawing = {
      engine,
      model: await openPolicy(policyId),
      config: assignment.round.config,
      signal: assignment.signal,
      roundId,
      purpose: 'evaluation',
      annealing,
    } as const;
    await draw(drawing, missing[i] as PlannedSample[], async (batch) => {
      await recordSamples({ samples: batch.map(({ row }) => row) });
      await assignment.checkpoint(null, { etaSeconds: eta.after(batch.length) });
    });
  }
}

/** A policy's stored evaluation images, by id. */
export async function drawnOf(policyId: string): Promise<Map<string, Sample>> {
  const found = new Map<string, Sample>();
  for (let after: string | undefined; ; ) {
    const rows = await listSamples({ policyId, purpose: 'evaluation', after });
    for (const row of rows) found.set(row.id, row);
    after = rows.at(-1)?.id;
    if (after === undefined) return found;
  }
}

/** The images of a policy, all drawn, in the order of their plan. */
export async function imagesOf({
  policyId,
  planned,
}: EvaluatedPolicy): Promise<{ prompt: string; image: RgbImage }[]> {
  const drawn = await drawnOf(policyId);
  return Promise.all(
    planned.map(async ({ id, prompt }) => {
      const { imageBlob } = drawn.get(id) as Sample;
      return { prompt, image: decodePng(await getBlob(imageBlob), `The image ${imageBlob}`) };
    }),
  );
}
