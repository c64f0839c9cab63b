'use client';

import { type Dispatch, type ReactNode, useRef } from 'react';
import type { ServedImage } from '../../api/label/schema';
import { cn } from '../../components/ui/cn';
import type { HeldGroup, LabelAction } from '../answers/label-state';
import type { Grid } from './fit-grid';
import { useDecoding } from './use-decoding';

/** Between two images, px. */
export const groupGapPx = 8;

/**
 * All images of a group in their places, invisible until their turn: they appear together. One that
 * cannot be loaded does not keep the others back; it can be tagged, or the group skipped.
 */
export function GroupLayer({
  group,
  grid,
  shown,
  veiled,
  dispatch,
  children,
}: {
  group: HeldGroup;
  grid: Grid;
  shown: boolean;
  veiled: boolean;
  dispatch: Dispatch<LabelAction>;
  /** What can be done to an image, over it. */
  children: (image: ServedImage, index: number) => ReactNode;
}) {
  const layer = useRef<HTMLDivElement>(null);
  const { leaseId } = group;
  const decoded = () => dispatch({ type: 'decoded', leaseId });
  const { attempt } = useDecoding(layer, { onDecoded: decoded, onGivenUp: decoded });

  return (
    <div
      ref={layer}
      aria-hidden={!shown}
      className={cn('absolute inset-0 overflow-y-auto overflow-x-hidden', !shown && 'invisible')}
    >
      <fieldset
        className="mx-auto grid w-max content-start"
        style={{
          gap: groupGapPx,
          gridTemplateColumns: `repeat(${grid.columns}, ${grid.width}px)`,
          gridAutoRows: `${grid.height}px`,
        }}
      >
        <legend className="sr-only">Tag the bad images</legend>
        {group.images.map((image, index) => (
          <div key={image.sampleId} className="@container relative overflow-hidden bg-white/5">
            <img
              // A new element for every attempt: one that failed does not load again.
              key={attempt}
              src={image.src}
              width={image.width}
              height={image.height}
              alt={`${index + 1}: ${group.prompt}`}
              draggable={false}
              className={cn(
                'size-full object-contain text-film-ink text-xs transition-opacity',
                group.tagged.includes(image.sampleId) && 'opacity-35',
                veiled && 'blur-2xl',
              )}
            />
            {shown ? children(image, index) : null}
          </div>
        ))}
      </fieldset>
    </div>
  );
}
