import { z } from 'zod';

/**
 * What is known of a policy besides its weights. A base policy suggests prompts for a first run; a
 * trained one records what it came from, so that it can be made again bit for bit.
 */
export const policyManifestSchema = z.looseObject({
  description: z.string().optional(),
  width: z.number().int().positive().optional(),
  height: z.number().int().positive().optional(),
  suggestedPrompts: z.array(z.string()).optional(),
  suggestedEvaluationPrompts: z.array(z.string()).optional(),
  suggestedPreset: z.string().optional(),
});

export type PolicyManifest = z.infer<typeof policyManifestSchema>;

/** The alias that names the policy served for a pipeline. */
export function servingAlias(pipeline: string): string {
  return `serving:${pipeline}`;
}
