import { z } from 'zod';

/** Training: may be trained on. Evaluation: fixed prompts and seeds, never trained on. Gold: the answer is known. */
export const purposes = ['training', 'evaluation', 'gold'] as const;

export const purposeSchema = z.enum(purposes);

export type Purpose = z.infer<typeof purposeSchema>;

/**
 * What a judge read from one image's pixels. `deformed` and `blood` feed the defect rates; `attributes`
 * are what the judge saw (skin, sleeve, background, pose), `alignment` is the share of the prompt's
 * attributes among them, in [0, 1].
 */
export const verdictSchema = z.object({
  judge: z.string(),
  fingers: z.number().int().optional(),
  deformed: z.boolean().optional(),
  blood: z.boolean().optional(),
  attributes: z.record(z.string(), z.string()).optional(),
  alignment: z.number().min(0).max(1).optional(),
  scores: z.record(z.string(), z.number()).optional(),
});

export type Verdict = z.infer<typeof verdictSchema>;

export const pairStates = ['open', 'complete', 'withdrawn'] as const;

export const pairStateSchema = z.enum(pairStates);

export type PairState = z.infer<typeof pairStateSchema>;
