import { type FlagSource, flagDescriptions, flagKinds } from '@/lib/flags';
import type { Purpose } from '@/lib/samples';

/** What the filters of the review pages offer. */
export const kindOptions = [
  { value: 'any' as const, label: 'Any flag or none' },
  ...flagKinds.map((kind) => ({
    value: kind,
    label: flagDescriptions[kind].label,
    hint: flagDescriptions[kind].explanation,
  })),
];

export const sourceNames: Record<FlagSource, string> = {
  judge: 'the judge',
  annotator: 'people',
};

export const sourceOptions = [
  { value: 'any' as const, label: 'By anybody' },
  { value: 'judge' as const, label: 'By the judge' },
  { value: 'annotator' as const, label: 'By people' },
];

export const purposeOptions: { value: Purpose | 'any'; label: string }[] = [
  { value: 'any', label: 'All images' },
  { value: 'evaluation', label: 'Evaluation images' },
  { value: 'training', label: 'Training images' },
];
