import { z } from 'zod';

/** Every training method Darkroom knows by name. */
export const methodNames = [
  'd3po',
  'draft',
  'draft-lv',
  'draft-plus',
  'drtune',
  'refl',
  'alignprop',
  'ddpo',
  'dpok',
  'diffusion-dpo',
] as const;

export const methodSchema = z.enum(methodNames);

export type Method = z.infer<typeof methodSchema>;

/** The methods that this version can run; a form offers these and the border refuses the others. */
export const availableMethods: readonly Method[] = ['d3po'];

/** What a form says of a method; `needs` is what must be there before it can run. */
export const methodDescriptions: Partial<
  Record<Method, { label: string; explanation: string; needs: readonly string[] }>
> = {
  d3po: {
    label: 'D3PO',
    explanation:
      'Direct preference optimisation of every denoising step. Learns from picks alone; no reward model.',
    needs: [
      'People who pick. Ties and “both bad” are kept, but only a pick trains.',
      'Eta above 0: without noise in its steps a sampler has no probabilities to compare.',
      'Training with as many inference steps as sampling; this form keeps them equal.',
    ],
  },
};
