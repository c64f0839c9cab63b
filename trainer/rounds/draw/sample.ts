/**
 * @file The work of drawing a round's images: pairs can be judged as soon as both their images are
 * there.
 */
import { z } from 'zod';
import { type NewSample, recordSamples } from '@/db/rounds/samples';
import { finishSampling } from '@/db/work/results';
import { sizeAsked } from '@/lib/settings/image-sizes';
import type { Engine } from '@/trainer/runtime/engine';
import { judgeOf } from '../evaluate/judging';
import { openPolicy } from '../pipelines/resolve';
import { checkMemory } from '../train/memory';
import type { Assignment } from '../worker/assignment';
import { Eta } from '../worker/eta';
import { type Drawn, draw } from './draw';
import { planGold, spoiledCopy } from './gold';
import { planSampling } from './plan';

const cursorSchema = z.object({ drawn: z.number().int().nonnegative() });

/** Draws what the round's plan still lacks, then hands the round over to people. */
export async function sampleRound(assignment: Assignment, engine: Engine): Promise<void> {
  const { round, run, signal } = assignment;
  const plan = planSampling(round);
  const gold = new Map(planGold(round, plan).map((pair) => [pair.sampleAId, pair]));
  const spoiled = new Map<string, NewSample>();
  let { drawn } = cursorSchema.parse(assignment.cursor ?? { drawn: 0 });
  const eta = new Eta(plan.samples.length - drawn);
  const model = await openPolicy(round.startPolicyId, sizeAsked(round.config.sampling));
  // What could not be trained is not drawn: people would judge it for nothing.
  const { sampling } = round.config;
  model.pipeline.scheduler.movingTimesteps(sampling.inferenceSteps, sampling.eta);
  await checkMemory(model.pipeline, run.method, round.config);
  const judge = await judgeOf(run.pipeline, engine);
  const waiting: NewSample[] = [];
  const keep = async (batch: Drawn[]) => {
    const readings = await judge?.read(
      batch.map(({ row, image }) => ({ prompt: row.prompt, image })),
    );
    waiting.push(
      ...batch.map(({ row }, i) => ({ ...row, verdict: readings?.[i]?.verdict ?? null })),
    );
    for (const drawn of batch) {
      const pair = gold.get(drawn.row.id);
      if (pair) spoiled.set(drawn.row.id, await spoiledCopy(drawn, pair));
    }
    // Nobody may judge a pair or group of which some images are still to come.
    const samples = waiting.splice(0, waiting.length - (waiting.length % plan.comparedTogether));
    const ids = new Set(samples.map(({ id }) => id));
    const groupIds = new Set(samples.map(({ groupId }) => groupId));
    await recordSamples({
      groups: plan.groups.filter((group) => groupIds.has(group.id)),
      samples: [...samples, ...[...spoiled].flatMap(([id, copy]) => (ids.has(id) ? [copy] : []))],
      pairs: [...plan.pairs, ...gold.values()].filter((pair) => ids.has(pair.sampleAId)),
    });
    drawn += samples.length;
    await assignment.checkpoint({ drawn }, { etaSeconds: eta.after(batch.length) });
  };
  const config = round.config;
  const drawing = {
    engine,
    model,
    config,
    signal,
    roundId: round.id,
    purpose: 'training',
  } as const;
  await draw(drawing, plan.samples.slice(drawn), keep);
  await assignment.complete(finishSampling);
}
