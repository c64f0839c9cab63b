import { z } from 'zod';
import { evaluationSummarySchema, trainMetricsSchema } from './metrics';
import { importStateSchema } from './pipeline-imports';
import { rewardModelStateSchema } from './rewards';
import { roundProgressSchema, roundStateSchema } from './rounds';
import { runStatusSchema } from './runs';

/** What pages stream. Each kind with its payload; the row's id is the stream's Last-Event-ID. */
export const eventSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('run'),
    payload: z.object({ runId: z.string(), status: runStatusSchema }),
  }),
  z.object({
    kind: z.literal('round'),
    payload: z.object({
      runId: z.string(),
      state: roundStateSchema,
      paused: z.boolean(),
      error: z.string().nullable(),
    }),
  }),
  z.object({ kind: z.literal('progress'), payload: roundProgressSchema }),
  z.object({
    kind: z.literal('train-step'),
    payload: z.object({
      step: z.number().int(),
      timestep: z.number().int().nullable(),
      metrics: trainMetricsSchema,
    }),
  }),
  z.object({
    kind: z.literal('policy'),
    payload: z.object({ policyId: z.string(), parentId: z.string().nullable() }),
  }),
  z.object({
    kind: z.literal('serving'),
    payload: z.object({ alias: z.string(), policyId: z.string() }),
  }),
  z.object({
    kind: z.literal('evaluation'),
    payload: z.object({ policyId: z.string(), summary: evaluationSummarySchema }),
  }),
  z.object({
    kind: z.literal('reward-model'),
    payload: z.object({ rewardModelId: z.string(), state: rewardModelStateSchema }),
  }),
  z.object({
    kind: z.literal('pipeline-import'),
    payload: z.object({ importId: z.string(), state: importStateSchema }),
  }),
  z.object({
    kind: z.literal('import'),
    payload: z.object({ importId: z.string(), answers: z.number().int(), finished: z.boolean() }),
  }),
  z.object({
    kind: z.literal('worker'),
    payload: z.object({ workerId: z.string(), alive: z.boolean(), message: z.string() }),
  }),
]);

export type DarkroomEvent = z.infer<typeof eventSchema>;

export type EventKind = DarkroomEvent['kind'];
