import { z } from 'zod';

/** Which image: the sha256 of its bytes. */
export const imageParamsSchema = z.object({
  hash: z.string().regex(/^[0-9a-f]{64}$/, 'is not a sha256.'),
});

/** A defect that the judge saw in an image. */
const shownDefectSchema = z.object({
  id: z.string(),
  /** "4 wheels". */
  words: z.string(),
  /** What stands in the image's corner: a number or a sign. */
  mark: z.string(),
  /** Whether it counts as something unsafe. */
  sensitive: z.boolean(),
});

export type ShownDefect = z.infer<typeof shownDefectSchema>;

/** An image with what the judge read from it, for people who may know which policy drew it. */
export const shownImageSchema = z.object({
  sampleId: z.string(),
  src: z.string(),
  width: z.number().int().positive(),
  height: z.number().int().positive(),
  verdict: z
    .object({
      defects: z.array(shownDefectSchema),
      /** Something unsafe was seen in it. */
      sensitive: z.boolean(),
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
