/** @file The work of drawing a round's images: pairs can be judged as soon as both their images are there. */
import { z } from 'zod';
import { recordSamples } from '@/db/samples';
import { finishSampling } from '@/db/work';
import type { Engine } from '@/trainer/runtime/engine';
import type { Assignment } from './assignment';
import { type Drawn, draw } from './draw';
import { Eta } from './eta';
import { judgeOf } from './judging';
import { planSampling } from './plan';
import { openPolicy } from './resolve-pipeline';

const cursorSchema = z.object({ drawn: z.number().int().nonnegative() });

/** Draws what the round's plan still lacks, then hands the round over to people. */
export async function sampleRound(assignment: Assignment, engine: Engine): Promise<void> {
  const { round, run, signal } = assignment;
  const plan = planSampling(round);
  let { drawn } = cursorSchema.parse(assignment.cursor ?? { drawn: 0 });
  const eta = new Eta(plan.samples.length - drawn);
  const model = await openPolicy(round.startPolicyId);
  const judge = await judgeOf(run.pipeline, engine);
  const keep = async (batch: Drawn[]) => {
    const readings = await judge?.read(
      batch.map(({ row, image }) => ({ prompt: row.prompt, image })),
    );
    const ids = new Set(batch.map(({ row }) => row.id));
    const groupIds = new Set(batch.map(({ row }) => row.groupId));
    await recordSamples({
      groups: plan.groups.filter((group) => groupIds.has(group.id)),
      samples: batch.map(({ row }, i) => ({ ...row, verdict: readings?.[i]?.verdict ?? null })),
      // A pair's first image came before its second: with this batch or an earlier one.
      pairs: plan.pairs.filter((pair) => ids.has(pair.sampleBId)),
    });
    drawn += batch.length;
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
  await finishSampling(assignment.claim);
}
