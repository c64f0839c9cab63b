import { z } from 'zod';
import { methodSchema } from '@/lib/methods';
import { runModeSchema } from '@/lib/runs';
import { runConfigSchema } from '@/lib/settings/run-config';

/** What starts a run. `startPolicyId` left out: from the policy served. */
export const startRunSchema = z.strictObject({
  name: z.string().trim().min(1, 'A run needs a name.').max(80, 'At most 80 characters.'),
  mode: runModeSchema,
  method: methodSchema,
  pipeline: z.string().min(1).max(1000),
  startPolicyId: z.string().min(1).max(64).optional(),
  config: runConfigSchema,
});

export type StartRun = z.infer<typeof startRunSchema>;

export const startedRunSchema = z.object({ runId: z.string(), roundId: z.string() });

export const runActions = ['resume', 'cancel'] as const;

export type RunAction = (typeof runActions)[number];
