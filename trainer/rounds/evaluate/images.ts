/**
 * @file A round's evaluation images: planned for each policy that is compared, listed once, drawn
 * where they are missing.
 */
import { servedFor } from '@/db/policies/list';
import { baseOf, getPolicy } from '@/db/policies/policies';
import { listSamples, recordSamples } from '@/db/rounds/samples';
import type { Sample } from '@/db/schema/labels';
import type { Round, Run } from '@/db/schema/rounds';
import { annealingOf, drawingKey } from '@/lib/drawings';
import { sourceOf } from '@/lib/methods';
import { pairedImages } from '@/lib/metrics';
import type { Annealing } from '@/trainer/diffusion/denoise/annealed-guidance';
import type { Engine } from '@/trainer/runtime/engine';
import { draw } from '../draw/draw';
import { type PlannedSample, planEvaluation } from '../draw/plan';
import type { PolicyModel } from '../pipelines/resolve';
import type { Assignment } from '../worker/assignment';
import { Eta } from '../worker/eta';

/** A policy and the images that it is measured by. */
export interface EvaluatedPolicy {
  policyId: string;
  /** The round whose progress its images count towards. */
  roundId: string | null;
  annealing: Annealing | undefined;
  /** How its images are drawn, as a key. */
  drawing: string;
  planned: PlannedSample[];
  /** What is stored of its evaluation images, by id: of those planned and of others. */
  drawn: Map<string, DrawnImage>;
}

export type DrawnImage = Pick<Sample, 'imageBlob' | 'verdict'>;

export interface ComparedPolicies {
  after: EvaluatedPolicy;
  before: EvaluatedPolicy;
  /**
   * Where a round follows a reward from a policy that has been trained already: what that began as,
   * on as many of the same prompts and seeds as a page shows.
   */
  base: EvaluatedPolicy | undefined;
  /** What is served, where the rule asks whether the new policy beats it and it is another one. */
  served: EvaluatedPolicy | undefined;
}

type ComparedRun = Pick<Run, 'method' | 'mode' | 'pipeline'>;

/** What a round compares its new policy with. */
export async function comparedPolicies(round: Round, run: ComparedRun): Promise<ComparedPolicies> {
  const { config, startPolicyId } = round;
  const { method } = run;
  const start = await getPolicy(startPolicyId);
  const annealing = annealingOf(method, config);
  const evaluated = async (
    policyId: string,
    roundId: string | null,
    drawnWith: Annealing | undefined,
  ): Promise<EvaluatedPolicy> => ({
    policyId,
    roundId,
    annealing: drawnWith,
    drawing: drawingKey(config, drawnWith),
    planned: planEvaluation(policyId, config, drawnWith),
    drawn: await drawnOf(policyId),
  });
  // The base is what annealing begins with: it draws as it is, and once for all schedules.
  const isBase = start.parentId === null;
  const base =
    isBase || sourceOf(method) !== 'reward'
      ? undefined
      : await evaluated((await baseOf(start)).id, null, undefined);
  const served =
    run.mode === 'online' && config.serving.rule === 'better'
      ? await getPolicy((await servedFor(run.pipeline))?.policy.id ?? startPolicyId)
      : start;
  return {
    after: await evaluated(round.resultPolicyId as string, round.id, annealing),
    // It belongs to no round, or to an earlier one.
    before: await evaluated(startPolicyId, null, isBase ? undefined : annealing),
    base: base && { ...base, planned: base.planned.slice(0, pairedImages) },
    served:
      served.id === startPolicyId || served.id === round.resultPolicyId
        ? undefined
        : await evaluated(served.id, null, served.parentId === null ? undefined : annealing),
  };
}

/**
 * Draws what is missing of the policies' images, one policy after the other.
 * @param open a policy to draw with; of one that lacks nothing it is not asked for
 */
export async function drawMissing(
  assignment: Assignment,
  engine: Engine,
  policies: readonly EvaluatedPolicy[],
  open: (policyId: string) => Promise<PolicyModel>,
): Promise<void> {
  const incomplete = policies
    .map((policy) => ({ ...policy, missing: missingOf(policy) }))
    .filter(({ missing }) => missing.length > 0);
  const eta = new Eta(incomplete.reduce((sum, { missing }) => sum + missing.length, 0));
  for (const { policyId, roundId, annealing, drawn, missing } of incomplete) {
    const drawing = {
      engine,
      model: await open(policyId),
      config: assignment.round.config,
      signal: assignment.signal,
      roundId,
      purpose: 'evaluation',
      annealing,
    } as const;
    await draw(drawing, missing, async (batch) => {
      await recordSamples({ samples: batch.map(({ row }) => row) });
      for (const { row } of batch) drawn.set(row.id, { imageBlob: row.imageBlob, verdict: null });
      await assignment.checkpoint(null, { etaSeconds: eta.after(batch.length) });
    });
  }
}

function missingOf({ planned, drawn }: EvaluatedPolicy): PlannedSample[] {
  return planned.filter(({ id }) => !drawn.has(id));
}

/** A policy's stored evaluation images, by id. */
async function drawnOf(policyId: string): Promise<Map<string, DrawnImage>> {
  const found = new Map<string, DrawnImage>();
  for (let after: string | undefined; ; ) {
    const rows = await listSamples({ policyId, purpose: 'evaluation', after });
    for (const { id, imageBlob, verdict } of rows) found.set(id, { imageBlob, verdict });
    after = rows.at(-1)?.id;
    if (after === undefined) return found;
  }
}
