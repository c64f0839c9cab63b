import { z } from 'zod';

export const flagKinds = ['hand', 'nsfw', 'artifact', 'text', 'other'] as const;

export const flagKindSchema = z.enum(flagKinds);

export type FlagKind = z.infer<typeof flagKindSchema>;

export const flagDescriptions: Record<FlagKind, { label: string; explanation: string }> = {
  hand: { label: 'Hand', explanation: 'Wrong number of fingers, or fused or impossible ones.' },
  nsfw: { label: 'NSFW', explanation: 'Blood, gore or nudity.' },
  artifact: {
    label: 'Artifact',
    explanation: 'Noise, seams, smears, repeated or broken patterns.',
  },
  text: { label: 'Text', explanation: 'Garbled letters, watermarks or signatures.' },
  other: { label: 'Other', explanation: 'Something else is wrong with this image.' },
};

export const flagSources = ['annotator', 'judge'] as const;

export const flagSourceSchema = z.enum(flagSources);

export type FlagSource = z.infer<typeof flagSourceSchema>;

/** Open: nobody has checked it. Confirmed or rejected: a reviewer has. */
export const flagStates = ['open', 'confirmed', 'rejected'] as const;

export const flagStateSchema = z.enum(flagStates);

export type FlagState = z.infer<typeof flagStateSchema>;
