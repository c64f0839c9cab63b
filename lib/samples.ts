import { z } from 'zod';
import { countedKinds } from './judges/judging';

/**
 * Training: may be trained on. Evaluation: fixed prompts and seeds, never trained on. Gold: the
 * answer is known.
 */
export const purposes = ['training', 'evaluation', 'gold'] as const;

export const purposeSchema = z.enum(purposes);

export type Purpose = z.infer<typeof purposeSchema>;

/**
 * What a judge read from one image's pixels. `defects` feed the rates of what the judge declares;
 * `attributes` are what it saw of what prompts ask for, `alignment` is the share of the prompt's
 * attributes among them, in [0, 1].
 */
export const verdictSchema = z.object({
  judge: z.string(),
  /**
   * By id. `score`: how likely the judge holds it to be there, in [0, 1]; `count`: of what the
   * defect counts, where it is clear.
   */
  defects: z.record(
    z.string(),
    z.object({ found: z.boolean(), score: z.number(), count: z.number().int().optional() }),
  ),
  /** The kinds of flag that what was found counts as. */
  flags: z.array(z.enum(countedKinds)),
  attributes: z.record(z.string(), z.string()).optional(),
  alignment: z.number().min(0).max(1).optional(),
});

export type Verdict = z.infer<typeof verdictSchema>;

export const pairStates = ['open', 'complete', 'withdrawn'] as const;

export const pairStateSchema = z.enum(pairStates);

export type PairState = z.infer<typeof pairStateSchema>;
