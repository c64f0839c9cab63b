import { z } from 'zod';

/** What a judge can be made of that came with another program: each measures something else. */
export const partKinds = ['hands', 'nsfw'] as const;

export type PartKind = (typeof partKinds)[number];

/** Networks taken over from a package, as a pipeline's declaration keeps them. */
export const judgePartSchema = z.object({
  kind: z.enum(partKinds),
  /** Where they came from, for people: "nsfwjs 4.4.0". */
  source: z.string().min(1),
  /** SHA-256 of each converted network, by what it does. */
  networks: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/)),
  /** By name: from where on something counts. */
  settings: z.record(z.string(), z.number()),
});

export type JudgePart = z.infer<typeof judgePartSchema>;
