import { z } from 'zod';

/** An image with what the judge read from it, for people who may know which policy drew it. */
export const shownImageSchema = z.object({
  sampleId: z.string(),
  src: z.string(),
  width: z.number().int().positive(),
  height: z.number().int().positive(),
  verdict: z
    .object({
      fingers: z.number().int().optional(),
      deformed: z.boolean().optional(),
      blood: z.boolean().optional(),
      alignment: z.number().optional(),
    })
    .nullable(),
  /** What the reward of the round that is shown says of it. */
  reward: z.number().optional(),
});

export type ShownImage = z.infer<typeof shownImageSchema>;

/** One prompt and seed as several policies drew it, in the order of the policies. */
export const frameSchema = z.object({
  prompt: z.string(),
  seed: z.number().int(),
  images: z.array(shownImageSchema.nullable()),
});

export type Frame = z.infer<typeof frameSchema>;
