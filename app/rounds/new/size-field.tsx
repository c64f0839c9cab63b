'use client';

import {
  drawableText,
  type ImageSize,
  type KnownSizes,
  sizeAsked,
  sizeText,
} from '@/lib/settings/image-sizes';
import { Field } from '../../components/ui/field';
import { Select } from '../../components/ui/select';
import type { MeasuredChoice } from './pipelines';
import type { RunDraft } from './run-draft';

const keyOf = (size: ImageSize | null) => (size ? `${size.width}x${size.height}` : '');

/** The size of a run's images: the pipeline's own, one that its import measured, or another. */
export function SizeField({
  sampling,
  sizes: { own, drawable },
  measured,
  onChange,
}: {
  sampling: RunDraft['settings']['sampling'];
  sizes: KnownSizes;
  measured: readonly MeasuredChoice[];
  onChange: (size: ImageSize | null) => void;
}) {
  // Where there is no choice, nobody is asked.
  if (!drawable) return null;
  const isOwn = (one: ImageSize) => one.width === own?.width && one.height === own.height;
  const typed = sizeAsked({
    imageWidth: Number(sampling.imageWidth),
    imageHeight: Number(sampling.imageHeight),
  });
  const others: (ImageSize & { hint?: string })[] = measured.filter((one) => !isOwn(one));
  if (typed && !others.some((one) => keyOf(one) === keyOf(typed))) others.push(typed);
  const ownHint = measured.find(isOwn)?.hint;
  return (
    <Field
      label="Image size"
      help={`${own ? sizeText(own) : 'Its own'}${drawableText(drawable)} pixels. Type another under Sampling.`}
    >
      <Select
        label="Image size"
        value={keyOf(typed)}
        options={[
          {
            value: '',
            label: `The model’s own${own ? `: ${sizeText(own)}` : ''}`,
            ...(ownHint && { hint: ownHint }),
          },
          ...others.map((one) => ({
            value: keyOf(one),
            label: sizeText(one),
            hint: one.hint ?? 'Not measured.',
          })),
        ]}
        onChange={(value) => {
          const chosen = others.find((one) => keyOf(one) === value);
          onChange(chosen ? { width: chosen.width, height: chosen.height } : null);
        }}
      />
    </Field>
  );
}
