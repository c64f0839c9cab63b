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

/** Asks which prompts a pipeline's text encoder takes whole. */
export const checkPromptsSchema = z.strictObject({
  pipeline: z.string().min(1).max(1000),
  prompts: z.array(z.string().max(10_000)).max(100_000),
});

/**
 * How many are cut, and the first of them. `room`: tokens of a prompt; null where the tokenizer is
 * not at hand.
 */
export const checkedPromptsSchema = z.object({
  room: z.number().nullable(),
  cut: z.number().int(),
  first: z
    .object({ prompt: z.string(), tokens: z.number(), kept: z.string(), lost: z.string() })
    .nullable(),
});

export type CheckedPrompts = z.infer<typeof checkedPromptsSchema>;

export const startedRunSchema = z.object({ runId: z.string(), roundId: z.string() });

export const runActions = ['resume', 'cancel'] as const;

export type RunAction = (typeof runActions)[number];
